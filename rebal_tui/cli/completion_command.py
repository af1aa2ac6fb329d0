"""`rebal-tui completion`: the script that lets a shell complete commands and options."""

from __future__ import annotations

import click

from rebal_tui.cli.parameters import command, write

_PROGRAM = "rebal-tui"
_VARIABLE = "_REBAL_TUI_COMPLETE"
_POWERSHELL = """\
Register-ArgumentCompleter -Native -CommandName rebal-tui -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | ForEach-Object { $_.ToString() })
    $env:_REBAL_TUI_COMPLETE = 'bash_complete'
    $env:COMP_WORDS = $words -join "`n"
    $env:COMP_CWORD = if ($wordToComplete) { $words.Count - 1 } else { $words.Count }
    try {
        rebal-tui | ForEach-Object {
            $kind, $value = $_ -split ',', 2
            if ($kind -eq 'plain') { [System.Management.Automation.CompletionResult]::new($value) }
        }
    } finally {
        Remove-Item Env:_REBAL_TUI_COMPLETE, Env:COMP_WORDS, Env:COMP_CWORD -ErrorAction SilentlyContinue
    }
}
"""
"""For PowerShell, which click does not know, the answers for bash; it completes files and folders itself."""


@command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish", "powershell"]))
@click.pass_context
def entry(ctx: click.Context, shell: str) -> int:
    """Print the script that completes commands and options in a shell.

    \b
    Examples:
      rebal-tui completion bash >> ~/.bashrc
      rebal-tui completion zsh > "${fpath[1]}/_rebal-tui"
      rebal-tui completion fish > ~/.config/fish/completions/rebal-tui.fish
      rebal-tui completion powershell >> $PROFILE
    """
    write(_script(ctx.find_root().command, shell))
    return 0


def _script(program: click.Command, shell: str) -> str:
    if shell == "powershell":
        return _POWERSHELL
    from click.shell_completion import BashComplete, FishComplete, ZshComplete

    shape = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}[shell]
    return shape(program, {}, _PROGRAM, _VARIABLE).source()
