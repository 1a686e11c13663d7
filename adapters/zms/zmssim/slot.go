package zmssim

import (
	"errors"
	"time"
)

// fileSlot is a free appointment as a file has it: at a moment, or some days from today.
type fileSlot struct {
	Slot
	InTagen int    `json:"in-tagen"`
	Uhr     string `json:"uhr"` // 15:04, in Berlin; then InTagen counts, not Beginn
}

// at gives the slot its moment.
func (f fileSlot) at(now time.Time) (Slot, error) {
	if f.Uhr == "" {
		return f.Slot, nil
	}
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return Slot{}, err
	}
	clock, err := time.Parse("15:04", f.Uhr)
	if err != nil || f.Beginn != 0 {
		return Slot{}, errors.New("frei: uhr must be a time such as 10:30, with in-tagen and without beginn")
	}
	today := now.In(zone)
	f.Beginn = time.Date(today.Year(), today.Month(), today.Day()+f.InTagen, clock.Hour(), clock.Minute(), 0, 0, zone).Unix()
	return f.Slot, nil
}
