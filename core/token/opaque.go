package token

// The form of the opaque secrets that programs carry, API tokens among them; see package secret, which makes them.
const (
	opaqueDigits = 43 // of base 62, which hold 32 random bytes
	opaqueChecks = 6  // of base 62, which hold a CRC-32

	APITokenPrefix = "hxw_" // what API tokens begin with, and no signed token does

	OpaquePrefix = 4 // bytes: the length of what an opaque secret begins with
	OpaqueLength = OpaquePrefix + opaqueDigits + opaqueChecks
)

// OpaqueDigits are the digits of base 62, in their order.
const OpaqueDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// ValidOpaque reports whether a text is an opaque secret of the sort that this prefix stands for, without a typo: whether it has its
// form and its checksum. It says nothing about whether there is such a secret. It allocates nothing.
func ValidOpaque(prefix, text string) bool {
	if len(prefix) != OpaquePrefix || len(text) != OpaqueLength || text[:OpaquePrefix] != prefix {
		return false
	}
	for i := OpaquePrefix; i < len(text); i++ {
		if c := text[i]; c-'0' > 9 && c-'A' > 25 && c-'a' > 25 {
			return false
		}
	}
	check := OpaqueChecksum(text[:OpaqueLength-opaqueChecks])
	for i, c := range check {
		if text[OpaqueLength-opaqueChecks+i] != c {
			return false
		}
	}
	return true
}

// OpaqueChecksum returns what follows the random digits of an opaque secret that begins so: its CRC-32 (IEEE 802.3).
func OpaqueChecksum(text string) (check [opaqueChecks]byte) {
	sum := ^uint32(0)
	for i := range len(text) {
		sum ^= uint32(text[i])
		sum = sum>>4 ^ crcNibbles[sum&15]
		sum = sum>>4 ^ crcNibbles[sum&15]
	}
	sum = ^sum
	for i := range check {
		check[opaqueChecks-1-i] = OpaqueDigits[sum%uint32(len(OpaqueDigits))]
		sum /= uint32(len(OpaqueDigits))
	}
	return check
}

// crcNibbles is what four bits become under the reversed polynomial 0xedb88320.
var crcNibbles = [16]uint32{
	0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
	0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
}
