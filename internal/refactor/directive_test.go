package refactor

import (
	"os/exec"
	"strings"
	"testing"
)

// What directives and C say about places keeps pointing where it did. Nothing is
// compiled here: the point is the text.
func TestDirectivesFollowTheMove(t *testing.T) {
	l := newLab(t, `
-- go.mod --
module m

go 1.26
-- inc/top.h --
int top;
-- lib/c/c.go --
package c

/*
#cgo CFLAGS: -I${SRCDIR}/../../inc -I${SRCDIR}/own
#cgo LDFLAGS: -L${SRCDIR}/../nowhere
#include "../../inc/top.h"
#include "own/own.h"
#include <stdio.h>
*/
import "C"

//go:generate sh -c "../../inc/run.sh --out=../../inc/top.h ./own/own.h ../missing"
-- lib/c/c.c --
#include "../../inc/top.h"
#include "own/own.h"
-- lib/c/own/own.h --
int own;
-- lib/c/c_amd64.s --
TEXT m∕lib∕c·Fast(SB), $0
-- user/u.go --
package user

import _ "unsafe"
import "m/lib/c"

// Not this: https://example.com/m/lib/c, nor xm/lib/c nor m/lib/cc.
// But m/lib/c, m/lib/c. And [m/lib/c.X]; m/lib/c/... too.

//go:linkname fast m/lib/c.fast
func fast()

//go:generate go run m/lib/c ../lib/c/own/own.h
var _ = c.X
-- text/t.go --
package text

import _ "embed"

//go:embed words/w.txt
var words string
-- text/words/w.txt --
w
-- text/words/w.go --
package words
`)
	l.mustMove("lib/c", "c", MoveOptions{NoCheck: true})
	l.mustMove("text/words", "text/in/words", MoveOptions{NoCheck: true})
	for name, parts := range map[string][]string{
		"c/c.go": {"-I${SRCDIR}/../inc -I${SRCDIR}/own", "-L${SRCDIR}/../nowhere", `#include "../inc/top.h"`, `#include "own/own.h"`, "<stdio.h>",
			`"../../inc/run.sh --out=../inc/top.h ./own/own.h ../missing"`},
		"c/c.c":       {`#include "../inc/top.h"`, `#include "own/own.h"`},
		"c/c_amd64.s": {"TEXT m∕c·Fast(SB)"},
		"user/u.go": {"https://example.com/m/lib/c, nor xm/lib/c nor m/lib/cc.", "But m/c, m/c. And [m/c.X]; m/c/... too.",
			"//go:linkname fast m/c.fast", "//go:generate go run m/c ../c/own/own.h"},
		"text/t.go": {"//go:embed in/words/w.txt\n"},
	} {
		for _, p := range parts {
			if text := l.read(name); !strings.Contains(text, p) {
				t.Errorf("%s lacks %q:\n%s", name, p, text)
			}
		}
	}
}

func TestRelative(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"a/b", "a/c", "../c"}, {"a", "a/b/c", "b/c"}, {"a/b", ".", "../.."}, {".", "a", "a"}, {"a/b", "a/b", "."}, {"a", "b", "../b"},
	} {
		if got := relative(c.from, c.to); got != c.want {
			t.Errorf("relative(%q, %q) = %q, want %q", c.from, c.to, got, c.want)
		}
	}
}

// A cgo package whose C code includes a header elsewhere builds after the move.
func TestCgoPackageBuildsAfterTheMove(t *testing.T) {
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("SKIPPED: one cgo move not built, there is no gcc")
	}
	l := newLab(t, `
-- go.mod --
module m

go 1.26
-- inc/seven.h --
#define SEVEN 7
-- lib/num/num.go --
package num

// #cgo CFLAGS: -I${SRCDIR}/../../inc
// #include "seven.h"
// #include "../../inc/seven.h"
// int twice(int n);
import "C"

func Fourteen() int { return int(C.twice(C.SEVEN)) }
-- lib/num/twice.c --
#include "../../inc/seven.h"
int twice(int n) { return 2 * n + SEVEN - SEVEN; }
-- app/app.go --
package app

import "m/lib/num"

var N = num.Fourteen()
`)
	l.mustMove("lib/num", "count", MoveOptions{})
	if text := l.read("count/twice.c"); !strings.Contains(text, `"../inc/seven.h"`) {
		t.Errorf("the include was left:\n%s", text)
	}
}
