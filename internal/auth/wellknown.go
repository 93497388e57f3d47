package auth

import "strings"

// fold undoes the usual disguises of a word: upper case, spaces and the digits
// and signs that stand for letters.
func fold(s string) string {
	return strings.NewReplacer("@", "a", "4", "a", "3", "e", "1", "i", "!", "i", "0", "o", "$", "s", "5", "s", "7", "t",
		" ", "", "-", "", "_", "", ".", "").Replace(strings.ToLower(s))
}

// trimTail takes off what people add to a word to make it long enough: digits,
// signs, and letters that fold made of digits.
func trimTail(folded string) string {
	return strings.TrimRight(folded, "0123456789aeiost#%&*+?,;:/\\=")
}

// weakWords are what long passwords are most often made of: the leaders of every
// published list of leaked passwords, default passwords of products in this
// field, and the names a job scheduler's administrator thinks of first.
const weakWords = `password passwort passwd senha contrasena motdepasse passphrase secret letmein welcome willkommen bemvindo
	changeme changemenow changeit default administrator admin root superuser sysadmin operator test testing guest user
	iloveyou princess sunshine football baseball basketball superman batman starwars pokemon dragon monkey master shadow
	michael jennifer jessica ashley charlie liverpool chelsea arsenal trustno internet computer samsung google facebook
	qwerty qwertz azerty asdf zxcv abc abcd hello whatever freedom mustang corvette ferrari mercedes summer winter spring
	autumn january february december company corporate
	tws twsadmin twsuser wauser wasadmin maestro tivoli tivolitivoli ibm hcl workload scheduler workloadscheduler
	workloadautomation resync resyncadmin resyncpassword database oracle postgres postgresql docker kubernetes jenkins`

// wellKnown says whether a folded password is one or more of the weak words
// with nothing but an ornament around them.
func wellKnown(folded string) bool {
	words := map[string]bool{"": true}
	for w := range strings.FieldsSeq(weakWords) {
		words[trimTail(fold(w))] = true
		words[fold(w)] = true
	}
	return builtOf(strings.Trim(folded, "0123456789#%&*+?,;:/\\="), words)
}

// builtOf says whether s splits into words of the list and up to a few letters
// that fold may have made of digits.
func builtOf(s string, words map[string]bool) bool {
	reach := make([]bool, len(s)+1) // :: position → s up to there is built of words
	reach[0] = true
	for end := 1; end <= len(s); end++ {
		for start := range end {
			piece := s[start:end]
			if reach[start] && (words[piece] || strings.Trim(piece, "0123456789aeiost#%&*+?,;:/\\=") == "") {
				reach[end] = true
				break
			}
		}
	}
	return reach[len(s)]
}

// monotonous says whether a folded password has few different characters,
// repeats a short piece, or runs along the alphabet or the keyboard.
func monotonous(folded string) bool {
	different := map[rune]bool{}
	for _, r := range folded {
		different[r] = true
	}
	if len(different) < 5 {
		return true
	}
	for n := 1; n <= len(folded)/2; n++ {
		if strings.Repeat(folded[:n], len(folded)/n+1)[:len(folded)] == folded {
			return true
		}
	}
	return alongKeys(folded)
}

// alongKeys says whether most of s is made of runs of four or more neighbours.
func alongKeys(s string) bool {
	rows := fold("abcdefghijklmnopqrstuvwxyz 01234567890 qwertyuiopasdfghjklzxcvbnm 1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol qwertzuiopasdfghjklyxcvbnm azertyuiopqsdfghjklmwxcvbn")
	back := []rune(rows)
	for i, j := 0, len(back)-1; i < j; i, j = i+1, j-1 {
		back[i], back[j] = back[j], back[i]
	}
	keys := rows + " " + string(back)
	covered := 0
	for i := 0; i < len(s); {
		n := 0
		for i+n < len(s) && strings.Contains(keys, s[i:i+n+1]) {
			n++
		}
		if n >= 4 {
			covered += n
		}
		i += max(1, n)
	}
	return covered*4 >= len(s)*3
}
