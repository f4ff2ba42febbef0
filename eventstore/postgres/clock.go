package postgres

import "time"

// serverClock tells the time that Postgres' clock shows, from its last readings, so that a commit which needs
// nothing else from the server can be hashed before it is sent.
//
// It is ahead by the time from the question to the reading, some ten microseconds, and never behind: no event is
// recorded before it was asked for. As a commit takes longer than a question, the time has come by when
// it is answered; sqlInsertAt looks after that.
type serverClock struct {
	reading time.Time // what it showed
	asked   time.Time // when the question was sent, by the clock of this machine
}

// A reading is used for readingLife only. Then the clocks may have drifted apart by readingLife/readingDrift.
const (
	readingLife  = time.Second
	readingDrift = 2000
)

// set forgets earlier readings: one of them may have been wrong.
func (c *serverClock) set(reading, asked time.Time) { c.reading, c.asked = reading, asked }

// improve takes a reading in if it is better: less time has passed from the question to the reading.
func (c *serverClock) improve(reading, asked time.Time) {
	age := asked.Sub(c.asked)
	if age > readingLife || reading.Before(c.at(asked).Add(age/readingDrift)) {
		c.set(reading, asked)
	}
}

// now is the server's time; false if there is no recent reading.
func (c *serverClock) now(local time.Time) (time.Time, bool) {
	return c.at(local).Truncate(time.Microsecond), local.Sub(c.asked) < readingLife
}

func (c *serverClock) at(local time.Time) time.Time { return c.reading.Add(local.Sub(c.asked)) }
