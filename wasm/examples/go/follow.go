package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/hexward/hexward/core/edge"
)

const (
	poll         = 25 * time.Second       // how long the server may wait until there is something newer
	timeout      = 10 * time.Second       // beyond that
	pace         = 100 * time.Millisecond // between requests, at least
	longestPause = 5 * time.Second        // between requests that fail
)

// follow keeps a verifier's bundle up to date, until the context ends: it asks for what is newer than what is held, one
// request at a time, and the server answers as soon as there is something. After a failure it pauses, longer each time.
func follow(ctx context.Context, verifier *edge.Verifier, address string) {
	client := &http.Client{
		// A redirect is no answer: a bundle comes from where the operator said.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       poll + timeout,
	}
	since, pause := int64(0), pace
	for ctx.Err() == nil {
		err := fetch(ctx, client, verifier, address, since)
		pause = min(2*pause, longestPause)
		switch {
		case err == nil:
			since, _ = verifier.Held()
			pause = pace
		case errors.Is(err, edge.ErrBase): // a delta to a bundle that is not held: the whole one, then
			since = 0
		}
		if err != nil && ctx.Err() == nil {
			log.Printf("bundle: %v; trying again in %v", err, pause)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// fetch takes what is newer than since into use; 0 asks for a whole bundle, at once.
func fetch(ctx context.Context, client *http.Client, verifier *edge.Verifier, address string, since int64) error {
	to, err := url.Parse(address)
	if err != nil {
		return err
	}
	if since > 0 {
		to.RawQuery = url.Values{"since": {strconv.FormatInt(since, 10)}, "wait": {strconv.Itoa(int(poll / time.Second))}}.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, to.String(), nil) //nolint:gosec // the operator says where
	if err != nil {
		return err
	}
	answer, err := client.Do(request) //nolint:gosec // likewise
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusOK:
	case http.StatusNotModified:
		return nil
	default:
		return fmt.Errorf("the server answers %d", answer.StatusCode)
	}
	compact, err := io.ReadAll(io.LimitReader(answer.Body, edge.MaxBundle+1)) // what is longer is refused
	if err != nil {
		return err
	}
	if err := verifier.Load(compact, time.Now().UnixMilli()); err != nil && !errors.Is(err, edge.ErrOld) {
		return err
	}
	return nil
}
