// SPDX-License-Identifier: Apache-2.0
/* completion.c: the command: prints the completion script of a shell. */
#include "app/cli/complete.h"
#include "app/cli/invocation.h"

static const ag_shell *const shells[] = {&ag_shell_bash, &ag_shell_zsh, &ag_shell_fish};
static const char *const shell_names[] = {"bash", "zsh", "fish", NULL};

static const ag_option positionals[] = {
    {.name = "SHELL",
     .type = AG_OPTION_CHOICE,
     .choices = shell_names,
     .required = true,
     .doc = "Whose script to print"},
};

static const ag_example examples[] = {
    {"completion bash > ~/.local/share/bash-completion/completions/auger",
     "Install it for bash, from the next shell on"},
    {"completion zsh > ~/.zfunc/_auger", "Install it for zsh, with ~/.zfunc on $fpath before compinit runs"},
    {"completion fish > ~/.config/fish/completions/auger.fish", "Install it for fish"},
    {NULL, NULL},
};

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_buf page;
    ag_buf_init(&page, (size_t)4 << 20);
    const ag_shell *shell = shells[ag_option_choice(invocation, "SHELL")];
    shell->write(invocation->commands, &page);
    int rc = ag_buf_check(&page, "a completion script", err);
    if (rc == AG_OK && ag_wants_json(invocation)) {
        ag_buf document;
        ag_buf_init(&document, (size_t)16 << 20);
        ag_json json = ag_json_writer(&document, 0, AG_JSON_REFUSE_NONFINITE);
        ag_json_begin_object(&json);
        ag_json_put_text(&json, "shell", shell->name);
        ag_json_put_text(&json, "script", page.data);
        ag_json_end_object(&json);
        rc = ag_print_json(invocation, &json, &document, err);
        ag_buf_deinit(&document);
    } else if (rc == AG_OK) {
        ag_print_str(invocation, ag_buf_str(&page));
    }
    ag_buf_deinit(&page);
    return rc;
}

const ag_command ag_command_completion = {
    .path = "completion",
    .summary = "Print the completion script of a shell",
    .doc = "Prints a script that lets the shell complete commands, options and their values with the Tab key. The "
           "script is plain text made from the tables of the commands; completing does not start Auger.",
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
