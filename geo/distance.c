#include "geo/distance.h"

#include <math.h>

/*
 * The inverse problem of geodesy after Bessel, on the auxiliary sphere (Karney, "Algorithms for geodesics", J. Geodesy
 * 87, 2013, sections 2 to 4), with plain numerics: the longitude that a geodesic has crossed when it reaches the
 * latitude of the second point grows steadily with the azimuth at which it leaves the first, from 0 (due north) to half
 * a turn (due south), if the first point is the one farther from the equator, and south of it. So halving the azimuth's
 * interval always finds it, also where iterations that start from the sphere go astray (opposite points). The two
 * integrals have smooth integrands that hardly vary: sixteen points give them to the last digit.
 */

#define EQUATOR_METERS 6378137.0
#define FLATTENING     (1 / 298.257223563)
#define POLAR_METERS   (EQUATOR_METERS * (1 - FLATTENING))
#define HALVINGS       64
#define NODES          8

/* Gauss-Legendre of 16 points: those on the right, and their weights. */
static const double nodes[NODES][2] = {
	{0.98940093499164993260, 0.02715245941175409485}, {0.94457502307323257608, 0.06225352393864789286},
	{0.86563120238783174388, 0.09515851168249278481}, {0.75540440835500303390, 0.12462897125553387205},
	{0.61787624440264374845, 0.14959598881657673208}, {0.45801677765722738634, 0.16915651939500253819},
	{0.28160355077925891323, 0.18260341504492358887}, {0.09501250983763744019, 0.18945061045506849629},
};

/* Both points by their reduced latitudes, in the order that is told above. */
struct ends {
	double sine1, cosine1, sine2, cosine2;
};

/* A geodesic between the two latitudes. */
struct arc {
	double sine0;          /* of its azimuth at the equator */
	double k2;             /* (e' cos alpha0)^2 */
	double sigma1, sigma2; /* along it, from its crossing of the equator */
	double omega1, omega2; /* longitudes on the auxiliary sphere */
};

static double radians(double degrees)
{
	return degrees * (M_PI / 180);
}

/* With fewer than 90 degrees: reduced latitudes keep their sign and order. */
static void reduce(double latitude, double *sine, double *cosine)
{
	double s = (1 - FLATTENING) * sin(radians(latitude)), c = cos(radians(latitude)), length = hypot(s, c);

	*sine = s / length;
	/* At the poles, where cos is not quite 0, and must not be: all azimuths would be one. */
	*cosine = fmax(c / length, 1e-150);
}

static struct arc arc_of(const struct ends *ends, double azimuth)
{
	const double e2 = FLATTENING * (2 - FLATTENING) / ((1 - FLATTENING) * (1 - FLATTENING));
	double sine = sin(azimuth), cosine = cos(azimuth), along1 = cosine * ends->cosine1, along2;
	struct arc arc = {.sine0 = sine * ends->cosine1};
	double cosine0 = hypot(cosine, sine * ends->sine1);

	/* cos alpha2 * cos beta2: northbound at the second point, whose latitude is the nearer to the equator. */
	along2 = sqrt(fmax(0, along1 * along1 + (ends->cosine2 - ends->cosine1) * (ends->cosine2 + ends->cosine1)));
	arc.k2 = e2 * cosine0 * cosine0;
	arc.sigma1 = atan2(ends->sine1, along1);
	arc.sigma2 = atan2(ends->sine2, along2);
	arc.omega1 = atan2(arc.sine0 * ends->sine1, along1);
	arc.omega2 = atan2(arc.sine0 * ends->sine2, along2);
	return arc;
}

static double length_at(double k2, double sigma)
{
	double s = sin(sigma);

	return sqrt(1 + k2 * s * s);
}

static double shortening_at(double k2, double sigma)
{
	return (2 - FLATTENING) / (1 + (1 - FLATTENING) * length_at(k2, sigma));
}

static double integrate(const struct arc *arc, double (*at)(double k2, double sigma))
{
	double half = (arc->sigma2 - arc->sigma1) / 2, middle = (arc->sigma2 + arc->sigma1) / 2, sum = 0;

	for (unsigned i = 0; i < NODES; i++) {
		double step = nodes[i][0] * half;

		sum += nodes[i][1] * (at(arc->k2, middle - step) + at(arc->k2, middle + step));
	}
	return sum * half;
}

static double longitude_crossed(const struct arc *arc)
{
	return arc->omega2 - arc->omega1 - FLATTENING * arc->sine0 * integrate(arc, shortening_at);
}

/* The azimuth of the geodesic that crosses so much longitude. */
static double find_azimuth(const struct ends *ends, double longitude)
{
	double low = 0, high = M_PI;

	for (unsigned i = 0; i < HALVINGS; i++) {
		double middle = (low + high) / 2;
		struct arc arc = arc_of(ends, middle);

		if (longitude_crossed(&arc) < longitude)
			low = middle;
		else
			high = middle;
	}
	return (low + high) / 2;
}

/* South of the equator, and farther from it, first: the figure is the same for all mirror images. */
static struct ends ends_of(double latitude1, double latitude2)
{
	struct ends ends;
	double far = latitude1, near = latitude2;

	if (fabs(near) > fabs(far)) {
		far = latitude2;
		near = latitude1;
	}
	reduce(far > 0 ? -far : far, &ends.sine1, &ends.cosine1);
	reduce(far > 0 ? -near : near, &ends.sine2, &ends.cosine2);
	/* Just south of the equator: there would be no first crossing to count from. */
	ends.sine1 = fmin(ends.sine1, -1e-150);
	return ends;
}

double distance_meters(struct distance_point from, struct distance_point to)
{
	double longitude = fabs(remainder(to.longitude - from.longitude, 360));
	struct ends ends = ends_of(from.latitude, to.latitude);
	struct arc arc;

	/* Along the equator, as far as that is the shortest way. */
	if (from.latitude == 0 && to.latitude == 0 && longitude <= 180 * (1 - FLATTENING))
		return EQUATOR_METERS * radians(longitude);
	arc = arc_of(&ends, longitude > 0 ? find_azimuth(&ends, radians(longitude)) : 0);
	return POLAR_METERS * integrate(&arc, length_at);
}

double distance_light_floor_seconds(double meters)
{
	return 2 * meters * DISTANCE_FIBRE_INDEX / DISTANCE_LIGHT_M_PER_S;
}

bool distance_inflation(double meters, double rtt_seconds, double *ratio)
{
	if (meters < DISTANCE_INFLATION_MIN_METERS)
		return false;
	*ratio = rtt_seconds / distance_light_floor_seconds(meters);
	return true;
}

bool distance_is_implausible(double meters, double radius_meters, double rtt_seconds, double resolution_seconds)
{
	double least = meters - 2 * radius_meters;

	return least > 0 && rtt_seconds + resolution_seconds < distance_light_floor_seconds(least);
}
