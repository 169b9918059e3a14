/*
 * Waiting for pages and answers: ITU-T G.1030 and Apdex. Pure.
 */
#ifndef NETSONDE_QOS_WEB_H
#define NETSONDE_QOS_WEB_H

#include <stddef.h>

/* What one waits for: G.1030 gives a shortest noticed time for each. */
enum web_task { WEB_ONE_PAGE, WEB_TWO_PAGES, WEB_ONE_EVENT };

/* The longest time that is put up with, by context. */
#define WEB_FAST_SECONDS   6
#define WEB_MEDIUM_SECONDS 15
#define WEB_SLOW_SECONDS   60

/* 5 + 4 ln(t / Min) / ln(Min / Max), 1..5: 5 up to Min, 1 from Max on. */
double web_mos(double seconds, double max_seconds, enum web_task task);

/* How waiting felt: satisfied up to T, tolerating up to 4 T, frustrated beyond or by a failure. */
enum apdex { APDEX_SATISFIED, APDEX_TOLERATING, APDEX_FRUSTRATED };

enum apdex apdex_of(double seconds, double threshold_seconds);

/* (satisfied + tolerating / 2) / total, 0..1; total > 0. */
double apdex_score(size_t satisfied, size_t tolerating, size_t total);

/* "excellent", "good", "fair", "poor", "unacceptable" */
const char *apdex_rating(double score);

#endif
