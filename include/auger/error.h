// SPDX-License-Identifier: Apache-2.0
#pragma once
/* error.h: what went wrong, and what to do. Functions that can fail return 0, or a negative number and a text in an
 * auger_error on their caller's stack; a caller who does not want the text gives NULL. */
#ifdef __cplusplus
extern "C" {
#endif

/* Both texts end in NUL and can be shown to a user as they are; `hint` may be empty. */
typedef struct auger_error {
    int code; /* the negative number that was returned, 0 after success */
    char text[768];
    char hint[256];
} auger_error;

/* What `code` may be. A later version may add numbers. */
enum {
    AUGER_ENOMEM = -1,        /* an allocation failed */
    AUGER_EINVAL = -2,        /* the caller's input is wrong: a value, a shape, a configuration */
    AUGER_EPARSE = -3,        /* a text or file does not follow its format */
    AUGER_ENOTFOUND = -4,     /* what was named does not exist */
    AUGER_EEXISTS = -5,       /* what was to be made exists already */
    AUGER_ECONFLICT = -6,     /* the state of things forbids it now */
    AUGER_EAUTH = -7,         /* nobody has shown who they are */
    AUGER_EDENIED = -8,       /* known, but not allowed; also a path that leaves its root */
    AUGER_ELIMIT = -9,        /* larger, deeper or more than a declared limit */
    AUGER_EIO = -10,          /* the operating system failed a read or write */
    AUGER_EFULL = -11,        /* no space left, or a quota is used up */
    AUGER_ECORRUPT = -12,     /* stored bytes are not what was stored */
    AUGER_ETIMEOUT = -13,     /* a deadline passed */
    AUGER_ECANCELLED = -14,   /* somebody asked to stop */
    AUGER_EUNAVAILABLE = -15, /* another machine or service is away; trying again later may help */
    AUGER_EUNSUPPORTED = -16, /* not built in, not installed, or not done by this implementation */
    AUGER_EINTERNAL = -17,    /* a bug in Auger */
    AUGER_EDIVERGED = -18,    /* the numbers of a training stopped being finite */
};

#ifdef __cplusplus
}
#endif
