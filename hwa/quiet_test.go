package hwa

import (
	"io"
	"log"
	"testing"

	"go.uber.org/goleak"
)

// quiet swallows what a test server says about connections that the test breaks.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
