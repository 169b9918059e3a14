netsonde_probe_type(ping SOURCES ping.c ping_type.c ping_report.c tally.c)
