package console

import (
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// chart is a picture of 24 hours, one bar an hour and series. The table beside it says
// the same.
type chart struct {
	Width, Height, Ground int
	Most                  uint64
	Series                []string // titles; one or two
	Bars                  []bar
	Marks                 []mark
	Rows                  []chartRow
}

type bar struct{ X, Y, Width, Height, Series int }

// mark is an hour written below the bars.
type mark struct {
	X    int
	Hour string
}

type chartRow struct {
	Start time.Time
	N     []uint64
}

// Measures of the picture.
const (
	chartWidth  = 960
	chartHeight = 200
	chartGround = 170 // where the bars stand
	chartTop    = 20
	chartStep   = 40 // an hour
	barWidth    = 15
)

func drawChart(titles []string, series ...[]search.Hour) *chart {
	c := &chart{Width: chartWidth, Height: chartHeight, Ground: chartGround, Series: titles}
	for _, s := range series {
		for _, h := range s {
			c.Most = max(c.Most, h.N)
		}
	}
	for i := range series[0] {
		start := series[0][i].Start
		row := chartRow{Start: start}
		for k, s := range series {
			row.N = append(row.N, s[i].N)
			if s[i].N > 0 {
				h := max(int(float64(s[i].N)/float64(c.Most)*(chartGround-chartTop)), 2)
				c.Bars = append(c.Bars, bar{i*chartStep + 4 + k*(barWidth+1), chartGround - h, barWidth, h, k})
			}
		}
		c.Rows = append(c.Rows, row)
		if i%3 == 0 {
			c.Marks = append(c.Marks, mark{i*chartStep + 4, start.In(berlin).Format("15:04")})
		}
	}
	return c
}
