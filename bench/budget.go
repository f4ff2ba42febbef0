package main

import (
	"fmt"
	"math"
)

// atLeast is a row whose ratio has to reach a floor.
func atLeast(work string, value, floor float64, detail, budget string) row {
	return judged(work, value, floor, detail, budget, value >= floor, "short")
}

// atMost is a row whose ratio may not exceed a ceiling.
func atMost(work string, value, ceiling float64, detail, budget string) row {
	return judged(work, value, ceiling, detail, budget, value > 0 && value <= ceiling, "over")
}

// none is a row of what may not happen.
func none(work string, count int64, detail, budget string) row {
	return row{work, fmt.Sprintf("%d%s", count, bracketed(detail)), budget, count == 0}
}

func judged(work string, value, limit float64, detail, budget string, met bool, how string) row {
	text := fmt.Sprintf("%.2f times%s", value, bracketed(detail))
	if !met {
		text += fmt.Sprintf(", %.0f%% %s", 100*math.Abs(value/limit-1), how)
	}
	return row{work, text, budget, met}
}

func bracketed(detail string) string {
	if detail == "" {
		return ""
	}
	return " (" + detail + ")"
}

// rate and the like are how figures are written.
func rate(perSecond float64) string { return grouped(perSecond) + "/s" }

func ms(micros float64) string { return fmt.Sprintf("%.2f ms", micros/1000) }

func micros(value float64) string { return fmt.Sprintf("%.2f µs", value) }

func kb(bytes float64) string { return fmt.Sprintf("%.1f KB", bytes/1024) }

// grouped is a whole number with commas between its thousands.
func grouped(value float64) string {
	digits := fmt.Sprintf("%.0f", value)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
