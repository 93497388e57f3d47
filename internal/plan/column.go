package plan

import "math/bits"

// test takes, of the jobs at..at+63 that are in mask, those that pass. Bit 0 of
// the mask is job at. Whole words at a time is what makes a scan fast: a call
// per job costs more than the comparison itself.
type test func(at int, mask uint64) uint64

// has applies the test to one job.
func (t test) has(i int) bool { return t(i&^63, 1<<(i&63)) != 0 }

// fewLeft is the number of jobs in a mask up to which they are looked at one by
// one instead of reading the column's whole word.
const fewLeft = 20

// in tests a column against a set of its values.
func in[T uint16 | uint32](set bitset, col []T) test {
	if set.empty() {
		return func(int, uint64) uint64 { return 0 }
	}
	return func(at int, mask uint64) (hits uint64) {
		if bits.OnesCount64(mask) <= fewLeft {
			for left := mask; left != 0; left &= left - 1 {
				if bit := bits.TrailingZeros64(left); set.has(int(col[at+bit])) {
					hits |= 1 << bit
				}
			}
			return hits
		}
		var bit uint
		for _, id := range col[at:min(at+64, len(col))] {
			hits |= (set[id>>6] >> (id & 63) & 1) << (bit & 63)
			bit++
		}
		return hits & mask
	}
}

// either passes what any of the tests passes.
func either(tests ...test) test {
	return func(at int, mask uint64) (hits uint64) {
		for _, t := range tests {
			if left := mask &^ hits; left != 0 {
				hits |= t(at, left)
			}
		}
		return hits
	}
}

// all passes what every test passes.
func all(tests ...test) test {
	return func(at int, mask uint64) uint64 {
		for _, t := range tests {
			if mask == 0 {
				return 0
			}
			mask = t(at, mask)
		}
		return mask
	}
}

// with tests a column of flags for all of some.
func with(want Flags, col []Flags) test {
	return func(at int, mask uint64) (hits uint64) {
		for left := mask; left != 0; left &= left - 1 {
			if bit := bits.TrailingZeros64(left); col[at+bit].Has(want) {
				hits |= 1 << bit
			}
		}
		return hits
	}
}
