package api

import (
	"net/http"
	"net/http/pprof"
	runtimepprof "runtime/pprof"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// maxProfile bounds how long a profile may be taken.
const maxProfile = time.Minute

// debugProfiles lists the profiles.
func (a *API) debugProfiles(c *call) error {
	var list strings.Builder
	for _, p := range runtimepprof.Profiles() {
		list.WriteString(p.Name() + " " + strconv.Itoa(p.Count()) + "\n")
	}
	list.WriteString("profile\ntrace\n")
	return c.String(http.StatusOK, list.String())
}

// debugProfile takes a profile. The command line and the table of symbols are not told: nobody needs them from here.
func (a *API) debugProfile(c *call) error {
	name := c.Param("profile")
	q := c.query()
	seconds, ok := q.seq("seconds", 1)
	if ok && time.Duration(seconds)*time.Second > maxProfile {
		q.fields["seconds"] = "must be at most " + strconv.Itoa(int(maxProfile.Seconds()))
	}
	if err := q.err(); err != nil {
		return err
	}
	defer c.patient(maxProfile + a.cfg.Timeout)()
	w, r := c.Response(), c.Request()
	w.Header().Set(echo.HeaderContentType, echo.MIMEOctetStream)
	switch {
	case name == "profile":
		pprof.Profile(w, r)
	case name == "trace":
		pprof.Trace(w, r)
	case runtimepprof.Lookup(name) != nil:
		pprof.Handler(name).ServeHTTP(w, r)
	default:
		w.Header().Del(echo.HeaderContentType)
		return echo.ErrNotFound
	}
	return nil
}
