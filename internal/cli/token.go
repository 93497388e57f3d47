package cli

import (
	"context"
	"fmt"
	"os/user"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"resync/internal/auth"
	"resync/internal/store"
)

func newToken(e *env) *cobra.Command {
	c := &cobra.Command{Use: "token", Short: "API tokens for programs: make, list, revoke"}
	c.AddCommand(newTokenCreate(e), newTokenList(e), newTokenRevoke(e))
	return c
}

// openAccounts opens the accounts of the configured store.
func (e *env) openAccounts(ctx context.Context, file string) (*auth.Service, func(), error) {
	cfg, err := e.load(file)
	if err != nil {
		return nil, nil, err
	}
	db, err := store.Open(ctx, cfg.Database.URL.Reveal())
	if err != nil {
		return nil, nil, err
	}
	return auth.New(db, nil), func() { db.Close() }, nil
}

func newTokenCreate(e *env) *cobra.Command {
	file, account, name, scope, life, asJSON := "", "", "", "", auth.DefaultAPITokenTime, false
	c := &cobra.Command{
		Use: "create", Short: "Make a token that lets a program in for one purpose; it is printed once", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			svc, done, err := e.openAccounts(c.Context(), file)
			if err != nil {
				return err
			}
			defer done()
			token, v, err := svc.IssueAPIToken(c.Context(), auth.APITokenRequest{User: account, Name: name, Scope: scope, Life: life, By: commandLine()})
			if err != nil {
				return err
			}
			if asJSON {
				return e.json(map[string]any{"token": token, "id": v.ID, "user": v.User, "scope": v.Scope, "expires_at": v.ExpiresAt})
			}
			fmt.Fprintln(e.out, token)
			fmt.Fprintf(e.errOut, "Token %s for %s, good until %s. It is shown this once; end it with: resync token revoke %s\n",
				v.ID, v.User, v.ExpiresAt.Format(time.DateOnly), v.ID)
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&file, "config", "", "settings file; RESYNC_CONFIG when empty")
	f.StringVar(&scope, "scope", "", "what it is for: llm (the endpoint /llm/v1)")
	f.StringVar(&account, "user", "", "account whose budget and limits it uses")
	f.StringVar(&name, "name", "", "what it is for, in your words")
	f.DurationVar(&life, "ttl", life, "how long it is good")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	_ = c.MarkFlagRequired("scope") // the flag exists
	_ = c.MarkFlagRequired("user")
	return c
}

// tokenState is what has become of a token.
func tokenState(v store.APIToken, now time.Time) string {
	switch {
	case !v.RevokedAt.IsZero():
		return "revoked"
	case !now.Before(v.ExpiresAt):
		return "expired"
	}
	return "good"
}

func newTokenList(e *env) *cobra.Command {
	file, asJSON := "", false
	c := &cobra.Command{
		Use: "list", Short: "List the tokens, never their text", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			svc, done, err := e.openAccounts(c.Context(), file)
			if err != nil {
				return err
			}
			defer done()
			list, err := svc.APITokens(c.Context())
			if err != nil {
				return err
			}
			return e.showTokens(list, asJSON)
		},
	}
	c.Flags().StringVar(&file, "config", "", "settings file; RESYNC_CONFIG when empty")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (e *env) showTokens(list []store.APIToken, asJSON bool) error {
	now := time.Now()
	if asJSON {
		out := []map[string]any{}
		for _, v := range list {
			row := map[string]any{"id": v.ID, "name": v.Name, "user": v.User, "scope": v.Scope, "state": tokenState(v, now), "created_at": v.CreatedAt, "expires_at": v.ExpiresAt}
			if !v.LastUsed.IsZero() {
				row["last_used_at"] = v.LastUsed
			}
			out = append(out, row)
		}
		return e.json(out)
	}
	w := tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tUSER\tSCOPE\tSTATE\tUNTIL\tUSED\tNAME")
	for _, v := range list {
		used := "never"
		if !v.LastUsed.IsZero() {
			used = v.LastUsed.Format(time.DateOnly)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", v.ID, v.User, v.Scope, tokenState(v, now), v.ExpiresAt.Format(time.DateOnly), used, plainText(v.Name))
	}
	return w.Flush()
}

func newTokenRevoke(e *env) *cobra.Command {
	file := ""
	c := &cobra.Command{
		Use: "revoke ID", Short: "End a token for good; a running server follows within five seconds", Args: needs("ID"),
		RunE: func(c *cobra.Command, args []string) error {
			svc, done, err := e.openAccounts(c.Context(), file)
			if err != nil {
				return err
			}
			defer done()
			for _, id := range args {
				if err := svc.RevokeAPIToken(c.Context(), id, commandLine()); err != nil {
					return err
				}
				fmt.Fprintf(e.out, "%s is revoked\n", id)
			}
			return nil
		},
	}
	c.Flags().StringVar(&file, "config", "", "settings file; RESYNC_CONFIG when empty")
	return c
}

// commandLine names who uses the command line, for the audit.
func commandLine() string {
	u, err := user.Current()
	if err != nil {
		return "command line"
	}
	return "command line (" + u.Username + ")"
}
