// Command hexward is the whole service as one program: it registers and signs in
// people, keeps their sessions, and issues and verifies tokens.
//
//	hexward serve                     run the service on http://127.0.0.1:8080 with ./data
//	hexward config check              say everything that is wrong with the configuration
//	hexward user ban mallory          act on a user, while the service runs or not
//	hexward client add nightly        give a machine an identity of its own
//	hexward keys rotate               have a new key sign from soon on
//	hexward backup FILE               copy the database, while the service runs or not
//
// Every setting is a flag, an environment variable (HEXWARD_ and the flag's name)
// and a key of the YAML file that --config names; the first of these that says
// something decides.
//
// It exits with 0 when all went well, 1 when something failed, 2 when the command
// line, the configuration or a value given is wrong, and 3 when what was asked for
// was refused: it is not there, not allowed, or taken.
//
// The parts: run.go reads the command line and calls the command, config.go and
// check.go have the settings and their rules, file.go reads the configuration
// file and the environment, system.go wires the service, serve.go runs it, and
// each other file is a subcommand.
package main
