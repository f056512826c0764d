# A script of one's own, and bars for it.
cp examples/playground_sma.py mine.py
awk 'BEGIN {
    print "time,open,high,low,close,volume"
    for (m = 0; m < 600; m++) {
        p = 21500 + 40 * sin(m / 25)
        printf "2025-01-15T%02d:%02d:00Z,%.2f,%.2f,%.2f,%.2f,10\n", 8 + m / 60, m % 60, p, p + 1, p - 1, p
    }
}' > nq_1m.csv
