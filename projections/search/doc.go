// Package search is the view of the words that are said, and how they are found.
//
// A search finds the messages that have all the words of a query, in any form of letters but in no other
// form of the word: no language is presumed. The query is read as people write them ("a phrase", or, -not);
// there is none that is wrong. The best match comes first, among equals the newest.
//
// It shows only rooms that the caller is a member of as far as the view of rooms knows, and only messages that
// are not deleted and have the words still as far as the view of messages knows. Whether the caller is
// a member at this moment is for the edge to ask.
//
// Limits. Ranked are the newest MaxRanked messages that match; to find older ones takes more words. Of a message
// the first MaxIndexed bytes are searched. A search that takes longer than Config.Timeout, or that finds
// Config.Parallel others, or another one of the same user, at work for so long, is UNAVAILABLE.
package search
