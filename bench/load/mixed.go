package load

import "fmt"

// script is what is done in a chat in which everybody types before they speak and most read what is said. Each round
// has one speaker; others do the rest.
func script() []string {
	const typing, quiet, read, presence = "typing-start", "typing-stop", "mark-read", "update-presence"
	return []string{
		typing, read, sendMessage, quiet, read,
		typing, read, sendMessage, quiet, read,
		typing, read, sendMessage, quiet, read,
		typing, read, sendMessage, quiet, presence,
	}
}

// Lines of a script with one speaker, and a number that brings up the others in an order that looks like none.
const (
	roundLines = 5
	otherTurns = 7919
)

// chat has a loop's clients do what the script says, in turn.
func (f *fleet) chat(l *loop, from, to int64) {
	lines := script()
	f.pace(l, from, to, func(own []*stream, count int64) (*stream, func(at int64)) {
		n, event := int64(len(own)), lines[count%int64(len(lines))]
		speaker := own[count/roundLines%n]
		other := own[count*otherTurns%n]
		switch event {
		case sendMessage:
			return speaker, speaker.send
		case "mark-read":
			return other, other.sender.doing(event, func(c *client) string {
				return fmt.Sprintf(`{"roomId":%q,"seq":%s}`, c.room.id, orOne(c.seq))
			})
		case "update-presence":
			return other, other.sender.doing(event, func(*client) string { return presenceUpdate(count) })
		default:
			return speaker, speaker.sender.doing(event, func(c *client) string { return roomRef(c.room.id) })
		}
	})
}

func orOne(seq string) string {
	if seq == "" {
		return "1"
	}
	return seq
}

func presenceUpdate(count int64) string {
	statuses := []string{"away", "busy", "online"}
	return fmt.Sprintf(`{"status":%q}`, statuses[count%int64(len(statuses))])
}

// doing is a command that its client sends.
func (c *client) doing(event string, data func(*client) string) func(at int64) {
	return func(at int64) { c.command(step{event, data(c)}, at) }
}
