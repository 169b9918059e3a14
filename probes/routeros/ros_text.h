/*
 * Text of a router as UTF-8. RouterOS keeps bytes and knows no encoding: old WinBox wrote the code page of whoever
 * typed, newer tools write UTF-8, one router may have both, and names of DHCP clients may be anything. So what is UTF-8
 * stays as it is; what is not is taken for the code page that was configured; and what is neither becomes U+FFFD. It
 * never fails. Pure but for iconv, which may read its tables when a code page is opened.
 */
#ifndef NETSONDE_PROBES_ROS_TEXT_H
#define NETSONDE_PROBES_ROS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/text.h"
#include "probes/routeros/ros_wire.h"

/* A code page, for one thread. */
struct ros_text;

/* page: a name that iconv knows ("windows-1251", "windows-1252", "latin1", "GBK"); one in which ASCII is not ASCII is
 * refused. NULL or "": none, bytes that are not UTF-8 are replaced. NULL with err when there is no such page. Open it
 * before the system calls are filtered. */
struct ros_text *ros_text_open(const char *page, struct err *err);
void ros_text_close(struct ros_text *text); /* NULL is harmless */

/* Adds the word to out as UTF-8 without zero bytes (they become U+FFFD; other control characters stay), at most
 * size_max bytes, cut between characters. false: something was cut off. */
bool ros_text_add(struct ros_text *text, struct ros_word word, size_t size_max, struct text *out);

/* Would ros_text_add change nothing? Then the word can be used as it lies there. */
bool ros_text_is_plain(struct ros_word word);

#endif
