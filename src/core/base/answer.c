// SPDX-License-Identifier: Apache-2.0
/* answer.c: errors as the public C API tells them. The numbers are the same on purpose; that is checked here, since the
 * public header cannot include ours. */
#include "core/base/answer.h"

#include "core/base/str.h"

_Static_assert((int)AUGER_ENOMEM == (int)AG_ENOMEM && (int)AUGER_EINVAL == (int)AG_EINVAL &&
                   (int)AUGER_EPARSE == (int)AG_EPARSE && (int)AUGER_ENOTFOUND == (int)AG_ENOTFOUND &&
                   (int)AUGER_EEXISTS == (int)AG_EEXISTS && (int)AUGER_ECONFLICT == (int)AG_ECONFLICT &&
                   (int)AUGER_EAUTH == (int)AG_EAUTH && (int)AUGER_EDENIED == (int)AG_EDENIED &&
                   (int)AUGER_ELIMIT == (int)AG_ELIMIT && (int)AUGER_EIO == (int)AG_EIO &&
                   (int)AUGER_EFULL == (int)AG_EFULL && (int)AUGER_ECORRUPT == (int)AG_ECORRUPT &&
                   (int)AUGER_ETIMEOUT == (int)AG_ETIMEOUT && (int)AUGER_ECANCELLED == (int)AG_ECANCELLED &&
                   (int)AUGER_EUNAVAILABLE == (int)AG_EUNAVAILABLE && (int)AUGER_EUNSUPPORTED == (int)AG_EUNSUPPORTED &&
                   (int)AUGER_EINTERNAL == (int)AG_EINTERNAL && (int)AUGER_EDIVERGED == (int)AG_EDIVERGED,
               "the public numbers are ours");

int ag_answer(int rc, const ag_err *err, auger_error *error)
{
    int code = rc < 0 ? rc : 0;
    if (!error) return code;
    error->code = code;
    error->text[0] = error->hint[0] = '\0';
    if (!code) return 0;
    ag_err plain = *err;
    plain.hint[0] = '\0';
    (void)ag_err_format(&plain, error->text, sizeof(error->text));
    ag_format(error->hint, sizeof(error->hint), "%s", err->hint);
    return code;
}

int ag_fail_answered(int rc, const auger_error *error, ag_err *err)
{
    ag_fail(err, (ag_code)rc, "%s", error->text);
    return *error->hint ? ag_err_hint(err, "%s", error->hint) : rc;
}
