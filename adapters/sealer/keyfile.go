package sealer

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// maxKeyFile is more than any spelling of a key needs, in bytes.
const maxKeyFile = 1024

// LoadOrCreateKey reads the master key in the file at path, or makes one from
// random if there is no such file, and says whether it did. The file is a
// private one (mode 0600) with KeySize bytes as text, see ParseKey. A file that
// its group or others may use, that is a link, or holds anything else is an
// error that says what to do; nothing is ever overwritten. A key that was
// created survives a crash of the machine, and of several processes that start
// at once all get the same.
func LoadOrCreateKey(path string, random io.Reader) (key []byte, created bool, err error) {
	key, err = loadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, false, err
	}
	key = make([]byte, KeySize)
	if _, err := io.ReadFull(random, key); err != nil {
		return nil, false, fmt.Errorf("make a master key: %w", err)
	}
	err = createKey(path, base64.StdEncoding.EncodeToString(key)+"\n")
	if errors.Is(err, fs.ErrExist) { // another process was faster: its key counts
		key, err = loadKey(path)
		return key, false, err
	}
	if err != nil {
		return nil, false, fmt.Errorf("create the master key file %s: %w", path, err)
	}
	return key, true, nil
}

// ParseKey reads a master key from text: KeySize bytes in base64 (either
// alphabet, with or without padding) or hexadecimal. White space around it is
// ignored. The error does not repeat the text.
func ParseKey(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	if len(text) == hex.EncodedLen(KeySize) {
		if key, err := hex.DecodeString(text); err == nil {
			return key, nil
		}
	}
	plain := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	key, err := base64.RawStdEncoding.Strict().DecodeString(plain)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return nil, fmt.Errorf("a master key is %d bytes in base64 or hexadecimal", KeySize)
	}
	if len(key) != KeySize {
		return nil, fmt.Errorf("a master key has %d bytes, not %d; `openssl rand -base64 %d` makes one", KeySize, len(key), KeySize)
	}
	return key, nil
}

// loadKey reads a key file. If there is none, errors.Is(err, fs.ErrNotExist).
func loadKey(path string) (key []byte, err error) {
	named, err := os.Lstat(path)
	if err != nil {
		return nil, fmt.Errorf("read the master key: %w", err)
	}
	switch {
	case named.Mode()&fs.ModeSymlink != 0:
		return nil, fmt.Errorf("the master key file %s is a symbolic link; name the file itself", path)
	case !named.Mode().IsRegular():
		return nil, fmt.Errorf("the master key file %s is not a regular file", path)
	}
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("read the master key: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read the master key: %w", err)
	}
	if !os.SameFile(named, info) {
		return nil, fmt.Errorf("the master key file %s was replaced while it was opened", path)
	}
	// Windows has no such bits; its access lists are the operator's matter.
	if info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("the master key file %s may be used by others than its owner (mode %04o); run `chmod 600 %s`, and change the key if somebody may have read it", path, info.Mode().Perm(), path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return nil, fmt.Errorf("read the master key: %w", err)
	}
	if len(text) > maxKeyFile {
		return nil, fmt.Errorf("the master key file %s is too long to be one", path)
	}
	key, err = ParseKey(string(text))
	if err != nil {
		return nil, fmt.Errorf("the master key file %s: %w", path, err)
	}
	return key, nil
}

// createKey writes a file that was not there, whole or not at all: under
// another name first, which is then linked to the right one if that is free.
// If it is not, errors.Is(err, fs.ErrExist).
func createKey(path, text string) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*") // O_EXCL, 0600
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Link(f.Name(), path)
	}
	return errors.Join(err, os.Remove(f.Name()), syncDir(dir))
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" { // it cannot
		return nil
	}
	d, err := os.Open(dir) //nolint:gosec // the operator names the directory
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
