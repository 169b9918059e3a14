#include <criterion/criterion.h>
#include <string.h>

#include "daemon/line_csv.h"

static const struct {
	const char *line, *rows; /* NULL: no line */
} rows[] = {
	{"m f=1 5", "5,m,,f,float,1\r\n"},
	{"m,a=b,c=d f=1i,g=-2.5e3 -5", "-5,m,\"a=b,c=d\",f,integer,1\r\n-5,m,\"a=b,c=d\",g,float,-2.5e3\r\n"},
	{"m f=t,g=F,h=true 5", "5,m,,f,boolean,t\r\n5,m,,g,boolean,F\r\n5,m,,h,boolean,true\r\n"},
	{"m f=\"a b,c=d\",g=1 5", "5,m,,f,string,\"a b,c=d\"\r\n5,m,,g,float,1\r\n"},
	{"m f=\"say \\\"hi\\\" \\\\ there\" 5", "5,m,,f,string,\"say \"\"hi\"\" \\ there\"\r\n"},
	{"my\\ m\\,x,t=a\\ b f\\=g=1 5", "5,\"my m,x\",t=a\\ b,f=g,float,1\r\n"},
	{"m f=\"\" 5", "5,m,,f,string,\r\n"},
	{"", NULL},
	{"m", NULL},
	{"m f=1", NULL},
	{"m f=1 ", NULL},
	{"m f 5", NULL},
	{"m =1 5", NULL},
	{"m,a=b", NULL},
	{" f=1 5", NULL},
	{"m f=1 5x", NULL},
	{"m f=1,g 5", NULL},
	{"m f=\"a 5", NULL},
};

Test(line_csv, rows)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct text out = {0};
		char *copy = strdup(rows[i].line);

		text_add(&out, "before|");
		cr_expect_eq(line_csv_add(&out, copy, strlen(copy)), rows[i].rows != NULL, "%s", rows[i].line);
		cr_expect_str_eq(text_string(&out) + strlen("before|"), rows[i].rows ? rows[i].rows : "", "%s: %s",
				 rows[i].line, text_string(&out));
		free(copy);
		text_free(&out);
	}
}
