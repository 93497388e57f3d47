package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"resync/internal/config"
	"resync/internal/health"
)

// checks is the one list that start, /readyz, /health, doctor and smoke run.
func (a *App) checks() (*health.Runner, error) {
	list := slices.Concat(a.settingsChecks(), a.machineChecks())
	rest := slices.Concat(a.storeChecks(), a.moduleChecks(), a.serviceChecks(), a.faceChecks())
	if a.shared != nil {
		rest = append(rest, a.sharedCheck())
	}
	for _, e := range a.engines {
		rest = append(rest, a.engineChecks(e)...)
	}
	if a.looking != nil {
		rest = a.whatCouldNotBeOpened(rest)
	}
	list = append(list, rest...)
	if a.looking != nil { // nobody waits for doctor as for /health, and it may look at a machine that is busy
		for i := range list {
			list[i].Timeout = max(list[i].Timeout, 4*time.Second)
		}
	}
	return health.New(list...)
}

// whatCouldNotBeOpened completes doctor's list: a part that could not be opened
// is a failure of its own, and without usable settings nothing else is looked at.
func (a *App) whatCouldNotBeOpened(list []health.Check) []health.Check {
	if !a.looking.usable {
		for i := range list {
			list[i].Run = func(context.Context) health.Result {
				return health.Skipped("not looked at, because the settings cannot be used")
			}
		}
		return list
	}
	for _, phase := range []string{"settings", "breakers", "webhooks", "language models", "knowledge", "engines", "chat", "http"} {
		if err := a.looking.failed[phase]; err != nil {
			list = append(list, health.Check{Name: "start:" + phase, Title: "Start of " + phase, Category: health.Integration, Critical: true,
				Fix: "correct what the message names; the server does not start before", Run: func(context.Context) health.Result { return health.Failed("%v", err) }})
		}
	}
	return list
}

// settingsChecks look at where the settings came from.
func (a *App) settingsChecks() []health.Check {
	s := a.opt.Settings
	return []health.Check{
		{Name: "settings:references", Title: "Environment Variables", Category: health.Configuration, Critical: true, Smoke: true, Deep: true,
			Fix: "set the variable for the user that runs Resync, or correct its name in the settings file",
			Run: func(context.Context) health.Result {
				if bad := problems(s.Err, "is not set", "secret's file", "names nothing"); len(bad) > 0 {
					return health.Failed("%s", strings.Join(bad, "; "))
				}
				return health.Passed(a.origins())
			}},
		{Name: "settings:load", Title: "Settings Load", Category: health.Configuration, Critical: true, Smoke: true, Deep: true,
			Fix: "correct the settings file where the message says; docs/configuration.md lists every key",
			Run: func(context.Context) health.Result {
				switch {
				case s.Err != nil:
					return health.Failed("%v", strings.ReplaceAll(s.Err.Error(), "\n", "; "))
				case len(s.Warnings) > 0:
					texts := make([]string, len(s.Warnings))
					for i, w := range s.Warnings {
						texts[i] = w.String()
					}
					return health.Result{Status: health.Warn, Output: strings.Join(texts, "; "), Fix: "read the warning; the server starts all the same"}
				}
				return health.Passed(cmp.Or(s.File, "no settings file; variables and defaults alone"))
			}},
		{Name: "settings:secrets", Title: "LLM Config (No Hardcoded Keys)", Category: health.Configuration, Critical: true, Smoke: true, Deep: true,
			Fix: "take the secret out of the file, change it where it is valid, and write env:NAME or file:/path in its place",
			Run: func(context.Context) health.Result {
				if bad := problems(s.Err, "a secret may not stand in the file", "a password may not stand"); len(bad) > 0 {
					return health.Failed("%s", strings.Join(bad, "; "))
				}
				return a.literalKeys()
			}},
		fileModes(s.File, a.opt.Config.DataDir, a.opt.Config.Database.URL.Reveal()),
	}
}

// origins says from where the settings come.
func (a *App) origins() string {
	if a.opt.Config == nil {
		return ""
	}
	count := map[config.Layer]int{}
	for _, v := range a.opt.Config.Values() {
		count[v.Origin.Layer]++
	}
	var parts []string
	for _, l := range []config.Layer{config.Env, config.File, config.Default} {
		if count[l] > 0 {
			parts = append(parts, fmt.Sprintf("%d from %s", count[l], map[config.Layer]string{config.Env: "variables", config.File: "the file", config.Default: "defaults"}[l]))
		}
	}
	if len(parts) == 0 {
		return "settings made by the program itself"
	}
	return strings.Join(parts, ", ")
}

// problems are the problems of the settings that say one of the texts.
func problems(err error, texts ...string) []string {
	var out []string
	var walk func(error)
	walk = func(err error) {
		if many, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range many.Unwrap() {
				walk(e)
			}
			return
		}
		var p *config.Problem
		if errors.As(err, &p) && slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(p.Text, t) }) {
			out = append(out, p.Error())
		}
	}
	if err != nil {
		walk(err)
	}
	return out
}
