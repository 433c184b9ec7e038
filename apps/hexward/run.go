package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/alecthomas/kong"

	"github.com/hexward/hexward/core/fault"
)

// The exit codes.
const (
	exitOK      = 0
	exitFailed  = 1 // something went wrong
	exitUsage   = 2 // the command line, the configuration or a value is wrong
	exitRefused = 3 // it is not there, not allowed, or taken
)

// commandLine is every command and setting.
type commandLine struct {
	config

	Serve   serveCommand   `cmd:"" help:"Run the service."`
	Config  configCommand  `cmd:"" name:"config" help:"Check or print the configuration."`
	User    userCommand    `cmd:"" help:"Add, list, ban and otherwise look after users."`
	Client  clientCommand  `cmd:"" help:"Add, list, rotate and otherwise look after machines."`
	Tenant  tenantCommand  `cmd:"" help:"Add, list, rename and link tenants."`
	Policy  policyCommand  `cmd:"" help:"Check a policy, and try what it decides."`
	Keys    keysCommand    `cmd:"" help:"List, rotate, import and retire signing keys."`
	Bundle  bundleCommand  `cmd:"" help:"Export and verify what edge workers decide by, and look after the keys that sign it."`
	Audit   auditCommand   `cmd:"" help:"Read the audit log."`
	Setup   setupCommand   `cmd:"" name:"setup-link" help:"Print a one-time link under which the first administrator registers."`
	Backup  backupCommand  `cmd:"" help:"Copy the database to a file, while the service runs or not."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// program is what a command runs in.
type program struct {
	config         *config
	getenv         func(string) string
	stdin          io.Reader
	stdout, stderr io.Writer
	now            func() time.Time
}

// usageError is a command line that cannot be.
type usageError struct {
	err error
	try string // the command whose help says more
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// run is the whole program: it reads args and the environment, runs the command
// that they name, and returns why it did not succeed.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) error {
	p := &program{
		getenv: getenv, stdin: stdin, stdout: stdout, stderr: stderr, now: time.Now,
	}
	line := &commandLine{config: config{origins: map[string]string{}}}
	p.config = &line.config
	helped := false
	parser, err := kong.New(
		line,
		kong.Name("hexward"),
		kong.Description("Hexward signs people in, keeps their sessions, and answers who is asking."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { helped = true }),
		kong.Help(help),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Resolvers(&sources{config: p.config, getenv: getenv}),
	)
	if err != nil {
		return fmt.Errorf("build the command line: %w", err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if helped {
		return nil
	}
	if err != nil {
		try := "hexward"
		var parseErr *kong.ParseError
		if errors.As(err, &parseErr) && parseErr.Context != nil && parseErr.Context.Selected() != nil {
			try = parseErr.Context.Selected().FullPath()
		}
		return &usageError{err, try}
	}
	return parsed.Run(p)
}

// exit tells what went wrong on stderr and returns the code to exit with.
func exit(stderr io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(stderr, "hexward:", explain(err))
	var usage *usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(stderr, "Run %q for help.\n", usage.try+" --help")
		return exitUsage
	}
	var wrong problems
	if errors.As(err, &wrong) {
		return exitUsage
	}
	var known *fault.Error
	if !errors.As(err, &known) {
		return exitFailed
	}
	switch fault.KindOf(err) {
	case fault.Invalid:
		return exitUsage
	case fault.NotFound, fault.Forbidden, fault.Conflict, fault.Unauthenticated:
		return exitRefused
	default:
		return exitFailed
	}
}

// explain is an error for somebody at a terminal: a fault's own message and what
// is wrong with each field, without the steps that led there.
func explain(err error) string {
	var known *fault.Error
	if !errors.As(err, &known) || known.Kind == fault.Internal || known.Kind == fault.Unavailable {
		return err.Error()
	}
	if len(known.Fields) == 0 {
		return known.Message
	}
	text := ""
	for i, f := range known.Fields {
		if i > 0 {
			text += "\n  "
		}
		text += f.Name + ": " + f.Message
	}
	return text
}

// help prints the help of a command. Settings are listed with the commands that
// are about them; everywhere else only the two that matter there.
func help(options kong.HelpOptions, ctx *kong.Context) error {
	selected := ctx.Selected()
	about := selected != nil && (selected.Name == "serve" || selected.Parent != nil && selected.Parent.Name == "config" || selected.Name == "config")
	for _, f := range ctx.Model.Flags {
		if !about && !slices.Contains([]string{"help", "config", "data"}, f.Name) {
			f.Hidden = true
		}
	}
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	if !about {
		_, err := fmt.Fprintln(ctx.Stdout, "\nEvery setting that \"hexward serve --help\" lists is understood too.\n"+
			"Exit codes: 0 done, 1 failed, 2 wrong command line, setting or value, 3 refused (not there, not allowed, taken).")
		return err
	}
	_, err := fmt.Fprintln(ctx.Stdout, "\nEach setting is also an environment variable, like HEXWARD_PUBLIC_URL, and a key of the\n"+
		"configuration file, like public-url. Flags come first, then the environment, then the file.")
	return err
}

// logger writes to standard error as configured.
func (p *program) logger() *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	if p.config.Debug {
		options.Level = slog.LevelDebug
	}
	if p.config.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(p.stderr, options))
	}
	return slog.New(slog.NewTextHandler(p.stderr, options))
}
