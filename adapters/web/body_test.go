package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/fault"
)

func TestBody(t *testing.T) {
	f := newFixture(t, options{})
	deep := strings.Repeat(`{"a":`, 17) + "1" + strings.Repeat("}", 17)
	for _, tt := range []struct {
		name, contentType, body string
		want                    int
		code                    string
		fields                  []string // name and code of each error
	}{
		{"good", "application/json", `{"login":"a","password":"b"}`, 401, "bad_credentials", nil},
		{"with white space", "application/json", " {\n\"login\" : \"a\" ,\t\"password\":\"b\"}\r\n", 401, "bad_credentials", nil},
		{"with escapes", "application/json", `{"lo\u0067in":"\u0061","password":"\ud83d\ude00"}`, 401, "bad_credentials", nil},
		{"charset", "application/json; charset=UTF-8", `{"login":"a","password":"b"}`, 401, "bad_credentials", nil},
		{"quoted charset", `Application/JSON;charset="utf-8"`, `{"login":"a","password":"b"}`, 401, "bad_credentials", nil},
		{"other charset", "application/json; charset=latin1", `{"login":"a","password":"b"}`, 415, "content_type", nil},
		{"other parameter", "application/json; a=b", `{"login":"a","password":"b"}`, 415, "content_type", nil},
		{"form", "application/x-www-form-urlencoded", "login=a&password=b", 415, "content_type", nil},
		{"multipart", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=login\r\n\r\na\r\n--x--\r\n", 415, "content_type", nil},
		{"plain", "text/plain", `{"login":"a","password":"b"}`, 415, "content_type", nil},
		{"none", "", `{"login":"a","password":"b"}`, 415, "content_type", nil},
		{"longer type", "application/jsonx", `{"login":"a","password":"b"}`, 415, "content_type", nil},
		{"two types", "application/json, text/plain", `{"login":"a","password":"b"}`, 415, "content_type", nil},
		{"cut", "application/json", `{"login":"a","password":"b"`, 400, "malformed_json", nil},
		{"trailing data", "application/json", `{"login":"a","password":"b"}{}`, 400, "malformed_json", nil},
		{"trailing comma", "application/json", `{"login":"a","password":"b",}`, 400, "malformed_json", nil},
		{"comment", "application/json", `{"login":"a"/**/,"password":"b"}`, 400, "malformed_json", nil},
		{"single quotes", "application/json", `{'login':'a'}`, 400, "malformed_json", nil},
		{"control character", "application/json", "{\"login\":\"a\x01\",\"password\":\"b\"}", 400, "malformed_json", nil},
		{"bad UTF-8", "application/json", "{\"login\":\"a\xff\",\"password\":\"b\"}", 400, "malformed_json", nil},
		{"lone surrogate", "application/json", `{"login":"\ud800","password":"b"}`, 400, "malformed_json", nil},
		{"byte order mark", "application/json", "\ufeff" + `{"login":"a","password":"b"}`, 400, "malformed_json", nil},
		{"array", "application/json", `[{"login":"a","password":"b"}]`, 400, "malformed_json", nil},
		{"string", "application/json", `"login"`, 400, "malformed_json", nil},
		{"null", "application/json", `null`, 400, "malformed_json", nil},
		{"blank", "application/json", ` `, 400, "malformed_json", nil},
		{"too deep", "application/json", `{"login":"a","password":"b","x":` + deep + `}`, 400, "malformed_json", nil},
		{"deep enough to overflow a stack", "application/json", strings.Repeat("[", 60000), 400, "malformed_json", nil},
		{"nothing", "application/json", ``, 400, "required", []string{"login required", "password required"}},
		{"empty object", "application/json", `{}`, 400, "required", []string{"login required", "password required"}},
		{"one missing", "application/json", `{"login":"a"}`, 400, "required", []string{"password required"}},
		{"unknown", "application/json", `{"login":"a","password":"b","admin":true}`, 400, "unknown", []string{"admin unknown"}},
		{"another case", "application/json", `{"Login":"a","PASSWORD":"b"}`, 400, "unknown", []string{"Login unknown", "PASSWORD unknown", "login required", "password required"}},
		{"folded case", "application/json", `{"login":"a","pa\u017f\u017fword":"b"}`, 400, "unknown", []string{"paſſword unknown", "password required"}},
		{"twice", "application/json", `{"login":"a","password":"b","login":"c"}`, 400, "duplicate", []string{"login duplicate"}},
		{"twice, once escaped", "application/json", `{"login":"a","password":"b","\u006cogin":"c"}`, 400, "duplicate", []string{"login duplicate"}},
		{"number", "application/json", `{"login":1,"password":"b"}`, 400, "type", []string{"login type"}},
		{"null member", "application/json", `{"login":null,"password":null}`, 400, "type", []string{"login type", "password type"}},
		{"object member", "application/json", `{"login":{"a":"b"},"password":["b"]}`, 400, "type", []string{"login type", "password type"}},
		{"null optional member", "application/json", `{"login":"a","password":"b","captcha":null}`, 400, "type", []string{"captcha type"}},
		{"bad delivery", "application/json", `{"login":"a","password":"b","delivery":"mail"}`, 400, "unknown", []string{"delivery unknown"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header := http.Header{"Content-Type": {tt.contentType}}
			if tt.contentType == "" {
				header["Content-Type"] = []string{""}
			}
			a := f.send("POST", "/auth/login", tt.body, header).want(tt.want, tt.code)
			var p struct{ Errors []fault.Field }
			a.into(&p)
			var got []string
			for _, e := range p.Errors {
				got = append(got, e.Name+" "+e.Code)
				if e.Message == "" {
					t.Errorf("%s has no message", e.Name)
				}
			}
			if !cmp.Equal(got, tt.fields) {
				t.Error(cmp.Diff(tt.fields, got))
			}
		})
	}
	t.Run("encoded", func(t *testing.T) {
		for _, encoding := range []string{"gzip", "deflate", "br", "identity"} {
			f.send("POST", "/auth/login", `{"login":"a","password":"b"}`, http.Header{"Content-Encoding": {encoding}}).want(415, "content_type")
		}
	})
	t.Run("where none is needed", func(t *testing.T) {
		alice := f.browser().register("alice")
		alice.do("POST", "/auth/token", `{}`).want(200, "")
		alice.do("POST", "/auth/token", `{"a":1}`).want(400, "unknown")
		alice.do("POST", "/auth/token", `x`).want(400, "malformed_json")
		alice.do("POST", "/auth/token", `a=b`, "Content-Type", "text/plain").want(415, "content_type")
	})
	t.Run("many unknown members", func(t *testing.T) {
		var b strings.Builder
		b.WriteString(`{"` + strings.Repeat("n", 1000) + `":1`)
		for i := range 200 {
			b.WriteString(`,"` + strings.Repeat("m", 100+i) + `":1`)
		}
		a := f.send("POST", "/auth/login", b.String()+"}", http.Header{}).want(400, "unknown")
		if len(a.Body) > 4096 {
			t.Errorf("the answer has %d bytes", len(a.Body))
		}
	})
}
