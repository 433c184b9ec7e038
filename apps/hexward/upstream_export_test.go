package main

import (
	"context"
	"io"
	"time"

	"github.com/alecthomas/kong"

	"github.com/hexward/hexward/core/access"
)

// BorrowedNames are what README.md documents.
var BorrowedNames = borrowedNames

// UpstreamToken asks the service of a configuration, as another process beside its
// server would, for the provider's access token of a session.
func UpstreamToken(ctx context.Context, args []string, userID, sessionID string) (token, provider string, err error) {
	line := &commandLine{config: config{origins: map[string]string{}}}
	getenv := func(string) string { return "" }
	parser, err := kong.New(line, kong.Resolvers(&sources{config: &line.config, getenv: getenv}))
	if err != nil {
		return "", "", err
	}
	if _, err := parser.Parse(append([]string{"user", "list"}, args...)); err != nil {
		return "", "", err
	}
	p := &program{config: &line.config, getenv: getenv, stdout: io.Discard, stderr: io.Discard, now: time.Now}
	err = p.use(ctx, false, func(s *system) error {
		token, provider, err = s.UpstreamToken(ctx, &access.Principal{Kind: access.User, Via: access.SessionCookie, Subject: userID, Session: sessionID})
		return err
	})
	return token, provider, err
}
