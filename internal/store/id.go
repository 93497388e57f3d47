package store

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"time"
)

// NewID makes an identifier such as "run_01jd7m…": the prefix, an underscore
// and 26 characters of base32 (Crockford's alphabet, lower case) over 48 bits
// of milliseconds and 80 random bits, the parts of a ULID
// (https://github.com/ulid/spec). Identifiers of later milliseconds sort
// after earlier ones.
func NewID(prefix string) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(time.Now().UnixMilli())<<16)
	rand.Read(b[6:]) // never fails since Go 1.24
	return prefix + "_" + crockford.EncodeToString(b[:])
}

// crockford is base32 without i, l, o and u. Its alphabet is in ASCII order, so
// encoded identifiers sort like their bytes.
var crockford = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)
