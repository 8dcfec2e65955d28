// SPDX-License-Identifier: Apache-2.0
#pragma once
/* sql.h: a statement, in the words of each database. Named ones come from .sql files through scripts/sql
 * (`#include "ledger_sql.h"`: AG_SQL_RUN_INSERT); text made at run time goes through ag_sql_text(). Placeholders are
 * ?1, ?2 ... on every database; the PostgreSQL driver rewrites them. */

typedef enum ag_dialect { AG_DIALECT_SQLITE, AG_DIALECT_POSTGRES, AG_DIALECTS } ag_dialect;

typedef struct ag_sql {
    const char *name; /* for messages */
    const char *text[AG_DIALECTS];
} ag_sql;

/* The same text for every database; it must live as long as the call that it is given to. */
static inline ag_sql ag_sql_text(const char *name, const char *text)
{
    return (ag_sql){name, {text, text}};
}
