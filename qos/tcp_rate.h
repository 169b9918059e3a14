/*
 * What one Reno-style TCP connection gets over a path with this round-trip time and loss: a floor for CUBIC and BBR,
 * and an estimate. loss: events of loss per packet, 0 < loss <= 1; lost / sent stands for it. Results in bit/s of
 * payload. Pure.
 */
#ifndef NETSONDE_QOS_TCP_RATE_H
#define NETSONDE_QOS_TCP_RATE_H

#define TCP_RATE_SEGMENT_BYTES 1460

/* MSS / RTT x C / sqrt(p); C: sqrt(3/2) when each packet is acknowledged, sqrt(3/4) with delayed acknowledgements
 * (Mathis 1997). */
#define TCP_RATE_MATHIS_EACH    1.22474487139158904910
#define TCP_RATE_MATHIS_DELAYED 0.86602540378443864676
double tcp_rate_mathis(double rtt_seconds, double loss, double c);

/* Padhye 1998, eq. 31, with delayed acknowledgements (b = 2) and T0 = max(0.2 s, 4 RTT). window_bytes: the receiver's,
 * 0 = no ceiling. Loss 0 gives the window's ceiling, or infinity. */
double tcp_rate_pftk(double rtt_seconds, double loss, double window_bytes);

/* RFC 5348, 3.1: b = 1, t_RTO = 4 RTT. */
double tcp_rate_tfrc(double rtt_seconds, double loss);

#endif
