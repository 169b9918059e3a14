/*
 * How far two points of the Earth are apart, how long light in fibre takes for that at least, and what follows for a
 * measured round trip. Pure.
 */
#ifndef NETSONDE_GEO_DISTANCE_H
#define NETSONDE_GEO_DISTANCE_H

#include <stdbool.h>

/* Refractive index of the glass of common fibre (silica at 1550 nm), and the speed of light in vacuum (exact). */
#define DISTANCE_FIBRE_INDEX   1.468
#define DISTANCE_LIGHT_M_PER_S 299792458.0

/* Nearer than this the last mile says more than the way: no inflation ratio then. */
#define DISTANCE_INFLATION_MIN_METERS 100e3

/* Degrees; north and east are positive. */
struct distance_point {
	double latitude, longitude;
};

/* The shortest way over the ellipsoid of WGS84, in metres; also for points that are nearly opposite each other. Right
 * to better than a millimetre. Latitudes must be within -90 and 90; any longitude will do. Some 20 us. */
double distance_meters(struct distance_point from, struct distance_point to);

/* The least round trip over a straight fibre, in seconds: 2 d n / c. */
double distance_light_floor_seconds(double meters);

/* Round trip / floor. false: the two are too near each other for that to mean anything. */
bool distance_inflation(double meters, double rtt_seconds, double *ratio);

/* Is the round trip shorter than light needs? Not before twice the radius within which each place is known (in metres;
 * the sum of both ends, 0 = exact) and the resolution of the clock have been allowed for. Then a place is wrong, or
 * the address is at many places (anycast). */
bool distance_is_implausible(double meters, double radius_meters, double rtt_seconds, double resolution_seconds);

#endif
