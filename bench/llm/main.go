// Command llm measures endpoints of language models side by side: a closed loop
// of callers over kept connections against one address, and a provider that
// answers at once or after a set time. run.sh puts the systems together.
//
//	llm load -label ours -url http://127.0.0.1:8080/llm/v1/chat/completions -c 64 -d 4s -stream -pid 123
//	llm mock -addr 127.0.0.1:19001 -delay 20ms -chunks 50 -gap 2ms
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "llm: "+err.Error())
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == "load" {
		return loadCommand(ctx, args[1:])
	}
	if len(args) > 0 && args[0] == "mock" {
		return mockCommand(ctx, args[1:])
	}
	return fmt.Errorf("say load or mock")
}
