// Resync is the AI operations console for HCL/IBM Workload Automation.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"resync/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the first signal asks for an orderly stop, a second one ends the process at once
	code := cli.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
