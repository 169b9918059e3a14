#include <criterion/criterion.h>
#include <math.h>

#include "geo/distance.h"

struct pair {
	const char *name;
	struct distance_point from, to;
	double meters, floor_ms;
};

static const struct pair pairs[] = {
	{"London - New York", {51.5074, -0.1278}, {40.7128, -74.0060}, 5585233.579, 54.6987},
	{"Frankfurt - Singapore", {50.1109, 8.6821}, {1.3521, 103.8198}, 10261274.079, 100.4932},
	{"across the date line", {0, 179.5}, {0, -179.5}, 111319.491, 1.0902},
	{"nearly opposite", {0, 0}, {0.5, 179.5}, 19936288.579, 195.2449},
	{"JFK - SIN",
	 {40 + 38 / 60.0 + 23 / 3600.0, -(73 + 46 / 60.0 + 44 / 3600.0)},
	 {1 + 21 / 60.0 + 33 / 3600.0, 103 + 59 / 60.0 + 22 / 3600.0},
	 15347627.660,
	 150.3061},
	{"the same point", {10, 10}, {10, 10}, 0, 0},
	/* A quarter of a meridian of WGS84 is 10001965.729 m. */
	{"pole to equator", {90, 0}, {0, 50}, 10001965.729, NAN},
	{"pole to pole", {90, 20}, {-90, -70}, 2 * 10001965.7293, NAN},
	{"opposite on the equator", {0, 0}, {0, 180}, 2 * 10001965.7293, NAN},
	{"over the pole", {60, 0}, {60, 180}, 2 * (10001965.7293 - 6654072.8194), NAN},
	{"along the equator", {0, 0}, {0, 90}, 6378137 * M_PI / 2, NAN},
};

Test(distance, agrees_with_geographiclib)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const struct pair *pair = &pairs[i];
		double meters = distance_meters(pair->from, pair->to);

		cr_expect(fabs(meters - pair->meters) < 0.001, "%s: %.6f, not %.6f", pair->name, meters, pair->meters);
		meters = distance_meters(pair->to, pair->from);
		cr_expect(fabs(meters - pair->meters) < 0.001, "%s, back: %.6f", pair->name, meters);
		if (!isnan(pair->floor_ms))
			cr_expect(fabs(distance_light_floor_seconds(pair->meters) * 1e3 - pair->floor_ms) < 0.0001,
				  "%s", pair->name);
	}
}

/* Mirror images and turns leave the distance alone; the sphere is never more than 0.6 % off. */
Test(distance, has_the_symmetries_of_the_ellipsoid)
{
	for (int i = 0; i < 2000; i++) {
		struct distance_point a = {remainder(i * 37.13, 180) / 1.0, i * 7.7};
		struct distance_point b = {remainder(i * 11.71 + 3, 180) / 1.0, i * 101.3};
		struct distance_point c = {-a.latitude, -a.longitude}, d = {-b.latitude, -b.longitude};
		double meters = distance_meters(a, b), half, sphere;

		half = sin((b.latitude - a.latitude) * M_PI / 360) * sin((b.latitude - a.latitude) * M_PI / 360) +
		       cos(a.latitude * M_PI / 180) * cos(b.latitude * M_PI / 180) *
			       sin((b.longitude - a.longitude) * M_PI / 360) *
			       sin((b.longitude - a.longitude) * M_PI / 360);
		sphere = 2 * 6371008.8 * asin(sqrt(fmin(1, half)));
		cr_assert(fabs(meters - distance_meters(c, d)) < 1e-3, "%d", i);
		cr_assert(fabs(meters - distance_meters(b, a)) < 1e-3, "%d", i);
		cr_assert(fabs(meters - sphere) <= 0.0062 * sphere + 1e-3, "%d: %f %f", i, meters, sphere);
	}
}

Test(distance, is_right_for_near_points)
{
	/* A second of arc along a meridian at 45 degrees is 30.87 m; along the equator 30.92 m. */
	cr_expect(fabs(distance_meters((struct distance_point){45, 7}, (struct distance_point){45 + 1 / 3600.0, 7}) -
		       30.8701) < 0.001);
	cr_expect(fabs(distance_meters((struct distance_point){0, 7}, (struct distance_point){0, 7 + 1 / 3600.0}) -
		       30.9221) < 0.001);
}

Test(distance, inflation_needs_some_distance)
{
	double ratio = -1;

	cr_expect_not(distance_inflation(99999, 0.01, &ratio));
	cr_expect_eq(ratio, -1);
	cr_expect(distance_inflation(100000, 2 * distance_light_floor_seconds(100000), &ratio));
	cr_expect(fabs(ratio - 2) < 1e-12);
}

Test(distance, implausible_is_faster_than_light_allows)
{
	double floor = distance_light_floor_seconds(1e6);

	cr_expect(distance_is_implausible(1e6, 0, floor * 0.99, 0));
	cr_expect_not(distance_is_implausible(1e6, 0, floor, 0));
	cr_expect_not(distance_is_implausible(1e6, 0, floor * 1.5, 0));
	/* 2 x radius and the clock are allowed for. */
	cr_expect_not(distance_is_implausible(1e6, 50e3, floor * 0.91, 0));
	cr_expect(distance_is_implausible(1e6, 50e3, floor * 0.89, 0));
	cr_expect_not(distance_is_implausible(1e6, 0, floor - 0.0005, 0.001));
	cr_expect_not(distance_is_implausible(1e6, 500e3, 0, 0));
	cr_expect_not(distance_is_implausible(0, 0, 0, 0));
}
