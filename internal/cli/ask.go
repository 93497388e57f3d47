package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"resync/internal/app"
	"resync/internal/diagnose"
)

type askFlags struct {
	json, demo, offline bool
	server, config      string
	engine              string
	stage               stageOptions
}

func newAsk(e *env) *cobra.Command {
	var f askFlags
	c := &cobra.Command{
		Use: "ask [flags] QUESTION", Short: "Ask about the plan; every sentence of the answer points to its evidence", Args: needs("QUESTION"),
		Long: "Ask about the plan. Without --demo or --server the configured engine is asked directly.\n" +
			"With --server the credentials are taken from RESYNC_USER and RESYNC_PASSWORD, or a one-time token from RESYNC_LOGIN_TOKEN.\n" +
			"Nothing is ever executed from here: actions are only named.",
		RunE: func(c *cobra.Command, args []string) error { return e.ask(c.Context(), f, strings.Join(args, " ")) },
	}
	f.stage.sim.register(c)
	c.Flags().BoolVar(&f.json, "json", false, "print the whole answer as JSON")
	c.Flags().BoolVar(&f.demo, "demo", false, "ask a simulated engine made for this question")
	c.Flags().StringVar(&f.server, "server", "", "ask a running Resync at this address")
	c.Flags().BoolVar(&f.offline, "offline", false, "use no language model (this version has none)")
	c.Flags().StringVar(&f.config, "config", "", "settings file; RESYNC_CONFIG when empty")
	c.Flags().StringVar(&f.engine, "engine", "", "engine to ask; the default one when empty")
	c.Flags().StringArrayVar(&f.stage.manuals, "manuals", nil, "with --demo: file or folder of manuals to cite; may be repeated")
	return c
}

func (e *env) ask(ctx context.Context, f askFlags, question string) error {
	if f.demo && f.server != "" {
		return errors.New("give either --demo or --server, not both")
	}
	if !f.demo && len(f.stage.sim.faults) > 0 {
		return errors.New("--fault needs --demo: faults exist on the simulated engine only")
	}
	ans, err := e.answer(ctx, f, question)
	if err != nil {
		return err
	}
	if f.json {
		err = e.json(ans)
	} else {
		err = render(e.out, ans)
	}
	if err == nil && ans.Intent == diagnose.IntentAskBack {
		return &notOK{} // the question could not be answered as put
	}
	return err
}

func (e *env) answer(ctx context.Context, f askFlags, question string) (*diagnose.Answer, error) {
	switch {
	case f.server != "":
		return askServer(ctx, f.server, f.engine, question)
	case f.demo:
		f.stage.noConsole = true
		s, err := newStage(ctx, f.stage)
		if err != nil {
			return nil, err
		}
		defer s.Close()
		return s.app.Ask(ctx, f.engine, question)
	}
	cfg, err := e.load(f.config)
	if err != nil {
		return nil, err
	}
	a, err := app.New(ctx, app.Options{Config: cfg, Version: Version, NoConsole: true})
	if err != nil {
		return nil, err
	}
	defer a.Close(context.WithoutCancel(ctx)) //nolint:errcheck // the answer is there
	return a.Ask(ctx, f.engine, question)
}

// signIn opens a session at a running server with the credentials of the
// environment.
func signIn(ctx context.Context, base string) (*http.Client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Jar: jar, Timeout: 90 * time.Second}
	login := map[string]string{"username": os.Getenv("RESYNC_USER"), "password": os.Getenv("RESYNC_PASSWORD")}
	if token := os.Getenv("RESYNC_LOGIN_TOKEN"); token != "" {
		login = map[string]string{"token": token}
	} else if login["username"] == "" {
		return nil, errors.New("set RESYNC_USER and RESYNC_PASSWORD, or RESYNC_LOGIN_TOKEN, to sign in at " + base)
	}
	if err := post(ctx, client, base+"/api/v1/auth/login", login, nil); err != nil {
		return nil, fmt.Errorf("signing in at %s: %w", base, err)
	}
	return client, nil
}

// askServer signs in at a running server and asks there, over its API.
func askServer(ctx context.Context, base, engine, question string) (*diagnose.Answer, error) {
	base = strings.TrimRight(base, "/")
	client, err := signIn(ctx, base)
	if err != nil {
		return nil, err
	}
	var reply struct {
		Answer *diagnose.Answer `json:"answer"`
	}
	body := map[string]string{"message": question}
	if engine != "" {
		body["tws_instance_id"] = engine
	}
	if err := post(ctx, client, base+"/api/v1/chat", body, &reply); err != nil {
		return nil, fmt.Errorf("asking %s: %w", base, err)
	}
	if reply.Answer == nil {
		return nil, fmt.Errorf("asking %s: the reply holds no answer", base)
	}
	return reply.Answer, nil
}

func post(ctx context.Context, client *http.Client, url string, body, into any) error {
	return call(ctx, client, http.MethodPost, url, body, into)
}

// call sends one request; a nil body sends none.
func call(ctx context.Context, client *http.Client, method, url string, body, into any) error {
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		var p struct{ Detail, Title string }
		if json.Unmarshal(data, &p) != nil || p.Detail == "" {
			return fmt.Errorf("the server answered %s", resp.Status)
		}
		return errors.New(p.Detail)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(data, into)
}
