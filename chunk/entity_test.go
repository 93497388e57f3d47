package chunk

import (
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"resync/hwa/msgcode"
)

func TestFindEntities(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       Entities
	}{
		{"codes with slips of a scanner", "AWSJC0005E and AwsBDW009E, again AWSJCO005E; AWKCLI071E.",
			Entities{ErrorCodes: []string{"AWSJCO005E", "AWSBDW009E", "AWKCLI071E"}}},
		{"a job in full", "Rerun FTA1#PAYROLL.NET now, and /PROD/MDM#/FIN/CLOSE.",
			Entities{JobNames: []string{"NET"}, JobStreams: []string{"PAYROLL", "CLOSE"}, Workstations: []string{"FTA1", "MDM"}}},
		{"wildcards and placeholders name nothing", "conman sj @#@.@ and <cpu>#<stream>", Entities{Commands: []string{"conman"}, CommandLines: []string{"conman sj @#@.@"}}},
		{"by the word before", "The job ETL_DAILY on workstation NY01 ended; job stream PAY_2 waits.",
			Entities{JobNames: []string{"ETL_DAILY"}, JobStreams: []string{"PAY_2"}, Workstations: []string{"NY01"}}},
		{"capitals that are no names", "The job ABEND state of AGENT and ACCESS; job AWSBCV012E failed", Entities{ErrorCodes: []string{"AWSBCV012E"}}},
		{"commands with options", "Run planman -scratch deploy, then `composer add file.txt`. Stop with conman \"stop @\" or JnextPlan -for 0024.",
			Entities{Commands: []string{"planman", "composer", "conman", "jnextplan"},
				CommandLines: []string{"planman -scratch deploy", "composer add file.txt", "conman \"stop @\"", "JnextPlan -for 0024"}}},
		{"plain English", "At startup, secure the conman program.", Entities{Commands: []string{"conman"}}},
		{"operations", "Call GET /twsd/api/v2/plan/job/count, never POST to it.", Entities{Operations: []string{"GET /twsd/api/v2/plan/job/count"}}},
		{"nothing", "", Entities{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, FindEntities(c.text)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestEntitiesAreBounded(t *testing.T) {
	var b strings.Builder
	for i := range 5000 {
		b.WriteString("job J_" + itoa(i) + " ")
	}
	if n := len(FindEntities(b.String()).JobNames); n != mostNames {
		t.Errorf("%d names kept, want %d", n, mostNames)
	}
}

func TestSummary(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""}, {"# A title\n\nText. More.", "A title Text."}, {"One sentence here. Two.", "One sentence here."},
		{strings.Repeat("word ", 30), strings.TrimSpace(strings.Repeat("word ", 20))},
		{"short", "short"}, {strings.Repeat("x", 300), strings.Repeat("x", 240)}, {"a\xffb c", "ab c"},
	} {
		if got := summary(c.in); got != c.want {
			t.Errorf("summary(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

// TestFindEntitiesFindsTheCodesOfMsgcode: the finder only looks closely where a code can
// be, and must miss none that a search of the whole text finds.
func TestFindEntitiesFindsTheCodesOfMsgcode(t *testing.T) {
	parts := []string{"AWSBHT001E", "awsbht001e", "AWSJPL 017E", "ORA-00942", "xORA-00942", "SQL1024N", "nullDSRA0010E", "AWSJOM179EComposer",
		" ", "é", "中", "\xff", "\x80\x80\x80\x80", "-", "#", "/", ".", ",", "a", "1", "AWS", "EQQX123I", "Ж", "\n", "job ", "ORA-", "00942"}
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		for range rapid.IntRange(0, 30).Draw(t, "parts") {
			b.WriteString(rapid.SampledFrom(parts).Draw(t, "part"))
		}
		var want []string
		for _, m := range msgcode.Find(b.String()) {
			want = add(want, m.Code.Text)
		}
		if diff := cmp.Diff(want, FindEntities(b.String()).ErrorCodes); diff != "" {
			t.Fatalf("%q (-msgcode +found):\n%s", b.String(), diff)
		}
	})
}

func TestEightBytesAreReadAsOneByOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOfN(rapid.SampledFrom([]byte("azAZ@[`{ 09'\x00\x7f\x80\xc3\xa9\xff\n")), 0, 40).Draw(t, "bytes"))
		if got, want := runeCount(s), utf8.RuneCountInString(s); got != want {
			t.Fatalf("runeCount(%q) = %d, want %d", s, got, want)
		}
		for i := range len(s) {
			n := i
			for n < len(s) && isLetterByte(s[n]) {
				n++
			}
			if got := letters(s, i); got != n {
				t.Fatalf("letters(%q, %d) = %d, want %d", s, i, got, n)
			}
		}
		for i := 0; i+8 <= len(s); i++ {
			capitals := capitalMask(load8(s, i))
			for k := range 8 {
				if got, want := capitals>>(8*k)&0x80 != 0, s[i+k] >= 'A' && s[i+k] <= 'Z'; got != want {
					t.Fatalf("capitalMask(%q) at %d", s[i:i+8], k)
				}
			}
		}
	})
}

// TestWordsAreReadAsByThePattern compares the quick way of reading words with the way
// that follows the pattern of each encoding.
func TestWordsAreReadAsByThePattern(t *testing.T) {
	parts := []string{"a", "Word", "WORD", "camelCase", "'s", "'LL", "'", " ", "  ", "\n", "\t", "1", "é", "É", "中", "\u0301", "_", "-", ".", "\xff", "abcdefgh", "sixteenletterword", "ǅ"}
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		for range rapid.IntRange(0, 24).Draw(t, "parts") {
			b.WriteString(rapid.SampledFrom(parts).Draw(t, "part"))
		}
		s := b.String()
		for _, enc := range []*BPE{CL100K(), O200K()} {
			m, slow := new(memo), new(merger)
			for i := 0; i < len(s); {
				end, tokens := enc.piece(m, s, i, unbounded)
				if want := enc.next(s, i); end != want {
					t.Fatalf("%s: the piece of %q at %d ends at %d, want %d", enc.Name(), s, i, end, want)
				}
				want := 1
				if enc.ranks.find(s, i, end) < 0 {
					want = slow.split(enc.ranks, s[i:end])
				}
				if again, _ := enc.piece(m, s, i, unbounded); tokens != want || again != end {
					t.Fatalf("%s: %q has %d tokens, want %d", enc.Name(), s[i:end], tokens, want)
				}
				i = end
			}
		}
	})
}

// BenchmarkCount counts the tokens of a manual: cold knows no word of it yet, warm all
// that its memory holds.
func BenchmarkCount(b *testing.B) {
	data, err := os.ReadFile(manual(b, "awsadmst.md"))
	if err != nil {
		b.Fatal(err)
	}
	text := string(data)
	for _, enc := range []*BPE{CL100K(), O200K()} {
		b.Run(enc.Name()+"/cold", func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				enc.count(new(memo), text)
			}
		})
		b.Run(enc.Name()+"/warm", func(b *testing.B) {
			m := new(memo)
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				enc.count(m, text)
			}
		})
	}
}
