/*
 * A terminal that shows one screenful of text and is told single keys. Everything is undone at the end: the other
 * screen, the hidden cursor, the keys that are told at once.
 */
#ifndef NETSONDE_DAEMON_TERMINAL_H
#define NETSONDE_DAEMON_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include "core/text.h"

struct terminal;

struct terminal_size {
	unsigned columns, rows;
};

/* Is there somebody to look at it? Both a terminal and one that can move its cursor (TERM is not "dumb"). */
bool terminal_is_usable(int output);

/* May text be coloured there? Not with NO_COLOR in the environment. */
bool terminal_has_colours(int output);

/* input may be no terminal: then there are no keys. Descriptors are borrowed. */
struct terminal *terminal_open(int input, int output);
/* The screen of before comes back. NULL is harmless. */
void terminal_close(struct terminal *terminal);

/* For the time that somebody else has the terminal (SIGTSTP), and back. */
void terminal_leave(struct terminal *terminal);
void terminal_enter(struct terminal *terminal);

/* 80 times 24 if the terminal does not know. */
struct terminal_size terminal_size(const struct terminal *terminal);

/* Shows this instead of what is there; lines end in "\n". What does not fit is left out at the bottom. */
void terminal_draw(struct terminal *terminal, const struct text *text);

/* Can keys come? Then terminal_read_key is to be called once whenever the input is readable. */
bool terminal_has_keys(const struct terminal *terminal);
/* The key that was pressed; 0: none, -1: there will be no more. */
int terminal_read_key(struct terminal *terminal);

#endif
