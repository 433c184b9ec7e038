package main_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// chromium starts a real browser, which reaches nothing but this machine, with a
// profile of its own.
func chromium(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		lacking(t, "chromium is missing")
	}
	options := append(
		chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-domain-reliability", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"), chromedp.Env("HOME="+t.TempDir()),
		chromedp.WSURLReadTimeout(60*time.Second),
	)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, end := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(end)
	ctx, leave := chromedp.NewContext(ctx)
	t.Cleanup(leave)
	if err := chromedp.Do(ctx); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("chromium does not start: %v", err)
	}
	return ctx
}

// Somebody with a real browser signs in at the provider by the button of our page,
// is known, and signs out there too.
func TestOIDC_Chromium(t *testing.T) {
	i, c := begun(t, nil)
	ctx := chromium(t)
	var where string
	step := func(name string, actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		limited, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		err := chromedp.Do(limited, actions...)
		if where, _ = chromedp.Run(limited, chromedp.Location()); err != nil {
			again, cancel := context.WithTimeout(ctx, 5*time.Second)
			defer cancel()
			page, _ := chromedp.Run(again, chromedp.Text(chromedp.CSS("body")))
			t.Fatalf("%s: %v, at %s:\n%s\n%s", name, err, where, page, c.stderr)
		}
	}
	at := func(prefix string) {
		t.Helper()
		if !strings.HasPrefix(where, prefix) {
			t.Fatalf("led to %s, not to %s", where, prefix)
		}
	}
	step(
		"our page", chromedp.Navigate(i.url+"/sign-in"),
		chromedp.Click(chromedp.CSS(`a[href="/auth/login?provider=acme"]`)), chromedp.WaitVisible(chromedp.CSS(`input[name="login"]`)),
	)
	at(c.issuer + "/interaction/")
	step(
		"login", chromedp.SendKeys(chromedp.CSS(`input[name="login"]`), "ada"), chromedp.SendKeys(chromedp.CSS(`input[name="password"]`), "any"),
		chromedp.Click(chromedp.CSS(`button[type="submit"]`)), chromedp.WaitReady(chromedp.CSS(`input[name="prompt"][value="consent"]`)),
	)
	at(c.issuer + "/interaction/")
	step("consent", chromedp.Click(chromedp.CSS(`button[type="submit"]`)), chromedp.WaitVisible(chromedp.CSS(`form[action="/sign-out"]`)))
	at(i.url + "/")
	page, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("main")))
	if err != nil || !strings.Contains(page, "You are signed in") || !strings.Contains(page, "ada@provider.example") {
		t.Errorf("%v: the page says\n%s", err, page)
	}
	if readable, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.cookie")); err != nil || strings.Contains(readable, "hexward") {
		t.Errorf("%v: a script reads %s", err, readable)
	}

	step("sign out", chromedp.Click(chromedp.CSS(`form[action="/sign-out"] button`)), chromedp.WaitVisible(chromedp.CSS(`button[name="logout"]`)))
	at(c.issuer + "/session/end")
	step("sign out there", chromedp.Click(chromedp.CSS(`button[name="logout"]`)), chromedp.WaitVisible(chromedp.CSS(`form[action="/sign-in"]`)))
	at(i.url + "/")
}
