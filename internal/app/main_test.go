package app_test

import (
	"os"
	"testing"
)

// TestMain lets the test binary be the server that the crash test kills.
func TestMain(m *testing.M) {
	if settings := os.Getenv(childEnv); settings != "" {
		os.Exit(serveChild(settings))
	}
	os.Exit(m.Run())
}
