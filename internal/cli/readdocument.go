package cli

import (
	"github.com/spf13/cobra"

	"resync/internal/sandbox"
)

// newReadDocument is the child's side of package sandbox. Nobody calls it by hand.
func newReadDocument(e *env) *cobra.Command {
	return &cobra.Command{
		Use: sandbox.ChildCommand, Hidden: true, Args: cobra.NoArgs,
		Short: "Read one document from the standard input in a process of its own",
		RunE:  func(*cobra.Command, []string) error { return sandbox.Child(e.in, e.out) },
	}
}
