package diagnose

import (
	"context"
	"os"
	"strings"
	"testing"
)

func TestZZ(t *testing.T) {
	x := ingested(t, "zz")
	for _, q := range strings.Split(os.Getenv("ZQ"), "|") {
		ps, _ := x.Search(context.Background(), q, 8)
		t.Log("Q:", q)
		for _, p := range ps {
			t.Logf("   %.1f %s %s [%s] %v same=%v", p.Score, p.Source(), p.Title, p.Section(), p.Kind, p.Same)
		}
	}
}
