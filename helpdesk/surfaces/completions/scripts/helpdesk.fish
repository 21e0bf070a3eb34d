# helpdesk(1) completion for fish. Made by `make completions`; change the template, not this file.
#
#   helpdesk completions fish > ~/.config/fish/completions/helpdesk.fish
#
# It starts no program, imports nothing and uses no network. Actions of a site's own plugins, people, groups and cases
# come from the lists that helpdesk keeps in its cache folder; names older than 30 days are left out.

function __helpdesk_place --argument-names key # lines: child NAME HELP, value KIND, flag NAME KIND HELP
    switch "$key"
        case ''
            printf '%s\t%s\t%s\n' 'child' 'ask' 'Ask for something in your own words' 'child' 'chat' 'The same as a conversation' 'child' 'tui' 'The full-screen app; helpdesk alone opens it too' 'child' 'do' 'Run an action by its name; alone: the actions you may run' 'child' 'case' 'What you are working on, in any window: list, show, close, export' 'child' 'approvals' 'Requests that wait for you, and your own' 'child' 'grants' 'Access that ends by itself: list, extend, return, revoke, review' 'child' 'workflow' 'Processes of several steps, and what is under way' 'child' 'policy' 'Search and read the company\'s policies' 'child' 'undo' 'Take back what an entry of the log says was done' 'child' 'why' 'Why something was refused or done, or would be' 'child' 'login' 'Sign in, for the length of a session' 'child' 'logout' 'Forget the session' 'child' 'whoami' 'Who is signed in, with roles and groups' 'child' 'log' 'Read and verify the log of everything done' 'child' 'worker' 'Carry out what was approved, and look at who does' 'child' 'reconcile' 'Read back what was left unknown' 'child' 'store' 'Where requests are kept: status, migrate, backup, restore' 'child' 'doctor' 'Check directory, keyring, model, log and plugins' 'child' 'config' 'Show the settings and where each comes from' 'child' 'plugin' 'List the plugins and their actions' 'child' 'completions' 'Print the completion script of a shell' 'child' 'privacy' 'Show what a model would be sent' 'child' 'demo' 'A whole company on this machine, to try it' 'child' 'help' 'Help for a command'
        case 'help'
        case 'ask'
            printf 'value\t%s\n' 'text…'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--continue' 'switch' 'Go on with your open case that changed last.' 'flag' '--case' 'cases' 'Go on with this case of yours.'
        case 'chat'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--resume' 'cases' 'Go on with this case of yours.' 'flag' '--continue' 'switch' 'Go on with your open case that changed last.' 'flag' '--linear' 'switch' 'Plain labelled lines with numbered choices, for screen readers.'
        case 'tui'
        case 'do'
            printf '%s\t%s\t%s\n' 'child' 'access.grant' 'Make someone a member of a group that you own.' 'child' 'access.hand-over' 'Make somebody the owner of the groups that another person owns.' 'child' 'access.list' 'List the groups that someone is a member of.' 'child' 'access.production' 'Temporary access to production' 'child' 'access.request' 'Ask to become a member of a group; its owner approves.' 'child' 'access.revoke' 'Take someone out of a group that you own, or leave a group yourself.' 'child' 'access.show' 'Show what groups there are, or what one is for and who owns it.' 'child' 'account.disable' 'Switch an account off, so that nobody can sign in with it.' 'child' 'account.enable' 'Switch an account on again.' 'child' 'mail.send' 'Send somebody a message by mail, at the address that the directory has of them.' 'child' 'password.change' 'Change your own password.' 'child' 'password.reset' 'Give someone a temporary password, which they must change at next sign-in.' 'child' 'password.status' 'Say what state an account and its password are in, and what to do about it.' 'child' 'password.unlock' 'Lift the lock that too many wrong passwords put on an account.' 'child' 'people.alias' 'Give somebody one more mail address.' 'child' 'people.archive' 'Mark somebody as having left; the account must be disabled first, and the entry stays.' 'child' 'people.create' 'Add somebody new to the directory, with an account that is disabled until somebody enables it.' 'child' 'people.find' 'Find people by name, login, mail or employee number.' 'child' 'people.manager' 'Say in the directory whom somebody reports to.' 'child' 'people.move' 'Somebody moves to another team' 'child' 'people.offboard' 'Somebody leaves the company' 'child' 'people.onboard' 'Somebody new joins the company' 'child' 'people.restore' 'Take the mark of having left away; the account stays as it is.' 'child' 'people.unalias' 'Take a further mail address away from somebody; their own one stays.' 'child' 'people.update' 'Change your own contact data: telephone number, job title, mail address.' 'child' 'people.whoami' 'Say who is signed in, with their roles and groups.' 'child' 'policy.index' 'Read every policy document again and rebuild the index, which is a cache.' 'child' 'policy.search' 'Find what the company\'s policies say, with file, heading and line.' 'child' 'policy.show' 'Show a policy document, or one section of it, with line numbers.' 'child' 'ticket.close' 'Close a ticket of yours.' 'child' 'ticket.comment' 'Add a comment to a ticket of yours.' 'child' 'ticket.open' 'Open a ticket for the people of the service desk.' 'child' 'ticket.reopen' 'Open a closed ticket of yours again.' 'child' 'ticket.status' 'Say how a ticket stands, or list yours.'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do access.grant'
            printf 'value\t%s\n' 'people' 'groups'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--person' 'people' 'who gets access' 'flag' '--group' 'groups' 'to which group' 'flag' '--days' 'text' 'end it so many days after it is given; for good when left out' 'flag' '--until' 'text' 'end it on this day, or at a moment such as 2026-12-02T18:00' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do access.hand-over'
            printf 'value\t%s\n' 'people' 'people'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--person' 'people' 'who owns them now' 'flag' '--to' 'people' 'who owns them from now on' 'flag' '--groups' 'text' 'which ones, with semicolons between; all of them when left out' 'flag' '--stays' 'switch' 'the one who owns them now stays an owner too' 'flag' '--no-stays' 'switch' '' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do access.list'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--person' 'people' 'whose access; your own when left out' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do access.production'
            printf 'value\t%s\n' 'groups' 'text'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--group' 'groups' 'which group opens it' 'flag' '--reason' 'text' 'what it is for; the approver reads it' 'flag' '--days' 'choice:1|2|3' 'for how many days' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do access.request'
            printf 'value\t%s\n' 'groups'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--group' 'groups' 'which group' 'flag' '--reason' 'text' 'what it is for; the approver reads it' 'flag' '--days' 'text' 'end it so many days after it is given; for good when left out' 'flag' '--until' 'text' 'end it on this day, or at a moment such as 2026-12-02T18:00' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do access.revoke'
            printf 'value\t%s\n' 'people' 'groups'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--person' 'people' 'who loses access' 'flag' '--group' 'groups' 'from which group' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do access.show'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--group' 'groups' 'which group; all of them when left out' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do account.disable'
            printf 'value\t%s\n' 'people'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--person' 'people' 'whose account' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do account.enable'
            printf 'value\t%s\n' 'people'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--person' 'people' 'whose account' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do mail.send'
            printf 'value\t%s\n' 'people' 'text' 'text'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--person' 'people' 'to whom; the address comes from the directory' 'flag' '--subject' 'text' 'what it is about, on one line' 'flag' '--body' 'text' 'the text' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do password.change'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--new-password-file' 'files' 'your new password' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do password.reset'
            printf 'value\t%s\n' 'people'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--person' 'people' 'who gets a new password' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do password.status'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--person' 'people' 'whose account; your own when left out' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do password.unlock'
            printf 'value\t%s\n' 'people'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--person' 'people' 'whose account is locked' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do people.alias'
            printf 'value\t%s\n' 'people' 'text'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--person' 'people' 'whose mailbox' 'flag' '--address' 'text' 'the further address' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do people.archive'
            printf 'value\t%s\n' 'people'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--person' 'people' 'who has left' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do people.create'
            printf 'value\t%s\n' 'text' 'text' 'text'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--login' 'text' 'the new login name: small letters, digits, dots and dashes' 'flag' '--full-name' 'text' 'their name' 'flag' '--mail' 'text' 'their mail address' 'flag' '--title' 'text' 'their job title' 'flag' '--manager' 'people' 'whom they report to' 'flag' '--employee-number' 'text' 'their number in the personnel files' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do people.find'
            printf 'value\t%s\n' 'text'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--words' 'text' 'part of a name, a login, a mail address or an employee number' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do people.manager'
            printf 'value\t%s\n' 'people'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--person' 'people' 'whose entry' 'flag' '--manager' 'people' 'whom they report to; nobody when left out' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do people.move'
            printf 'value\t%s\n' 'people' 'people'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--person' 'people' 'who moves' 'flag' '--manager' 'people' 'whom they report to from now on' 'flag' '--gets' 'text' 'the groups that they get, with commas between' 'flag' '--leaves' 'text' 'the groups that they leave, with commas between' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do people.offboard'
            printf 'value\t%s\n' 'people'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--person' 'people' 'who leaves' 'flag' '--successor' 'people' 'who owns their groups from now on; left out, they keep their owner' 'flag' '--equipment' 'text' 'what they hand back' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do people.onboard'
            printf 'value\t%s\n' 'text' 'text' 'text' 'people'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--login' 'text' 'the new login name' 'flag' '--full-name' 'text' 'their name' 'flag' '--mail' 'text' 'their mail address' 'flag' '--manager' 'people' 'whom they report to' 'flag' '--title' 'text' 'their job title' 'flag' '--groups' 'text' 'the groups that they get, with commas between' 'flag' '--alias' 'text' 'a further mail address' 'flag' '--equipment' 'text' 'what they need on their desk' 'flag' '--first-day' 'text' 'their first day' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do people.restore'
            printf 'value\t%s\n' 'people'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--person' 'people' 'who is back' 'flag' '--employment' 'text' 'what the entry says of their employment instead' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do people.unalias'
            printf 'value\t%s\n' 'people' 'text'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--person' 'people' 'whose mailbox' 'flag' '--address' 'text' 'the further address that goes' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do people.update'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--phone' 'text' 'your new telephone number' 'flag' '--title' 'text' 'your new job title' 'flag' '--mail' 'text' 'your new mail address' 'flag' '--clear' 'text' 'what to take out: mail, phone or title; several with commas' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do people.whoami'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do policy.index'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do policy.search'
            printf 'value\t%s\n' 'text'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--question' 'text' 'the question, in your own words' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do policy.show'
            printf 'value\t%s\n' 'text'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--document' 'text' 'the document\'s file or title' 'flag' '--heading' 'text' 'one section only: its heading' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do ticket.close'
            printf 'value\t%s\n' 'text'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--id' 'text' 'the ticket\'s number' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do ticket.comment'
            printf 'value\t%s\n' 'text' 'text'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--id' 'text' 'the ticket\'s number' 'flag' '--text' 'text' 'the comment' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do ticket.open'
            printf 'value\t%s\n' 'text'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--subject' 'text' 'what it is about, in a few words' 'flag' '--body' 'text' 'the details' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do ticket.reopen'
            printf 'value\t%s\n' 'text'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--id' 'text' 'the ticket\'s number' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'do ticket.status'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--id' 'text' 'the ticket\'s number; all of yours when left out' 'flag' '--batch' 'files' 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input' 'flag' '--yes-plan' 'text' 'confirm exactly that plan' 'flag' '--stop-after' 'text' 'begin no further row after N have failed' 'flag' '--run-name' 'text' 'another run of a file that was carried out before' 'flag' '--wait' 'switch' 'wait for the decision and the outcome, or at most so long: --wait=SECONDS' 'flag' '--effective-at' 'text' 'what is approved begins then, and not before; needs a worker'
        case 'case'
            printf '%s\t%s\t%s\n' 'child' 'list' 'List your open cases, the one that changed last first.' 'child' 'show' 'Show one of your cases: what was said, what was done with its log entries, and what waits.' 'child' 'close' 'Close a case. Resolved is only what its receipts show; given up is not resolved, and is said so.' 'child' 'rewind' 'Go back to the end of an earlier turn. What was really done since stays done, and stays in view.' 'child' 'export' 'Copy a case into a file of its own, to read or for a program.'
        case 'case list'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--all' 'switch' 'Also those that were closed or handed off.'
        case 'case show'
            printf 'value\t%s\n' 'cases'
        case 'case close'
            printf 'value\t%s\n' 'cases'
        case 'case rewind'
            printf 'value\t%s\n' 'cases' 'text'
        case 'case export'
            printf 'value\t%s\n' 'cases' 'files'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--format' 'choice:markdown|json' 'To read, or for a program.'
        case 'approvals'
            printf '%s\t%s\t%s\n' 'child' 'list' 'List what waits for you, and what you asked for with where it stands.' 'child' 'show' 'Show one request: what would change, who asked and why, until when, and what you can do.' 'child' 'approve' 'Approve a request: you see its present state, and your own rights carry it out.' 'child' 'deny' 'Say no to a request; nothing is changed.' 'child' 'withdraw' 'Take one of your own requests back.' 'child' 'delegate' 'Let somebody approve in your stead, with your right, until a day.' 'child' 'revoke' 'Let somebody stand in for you no more.' 'child' 'delegations' 'List who stands in for you, and for whom you do.'
        case 'approvals list'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--limit' 'text' 'At most N of each; 0 for all of them.'
        case 'approvals show'
            printf 'value\t%s\n' 'text'
        case 'approvals approve'
            printf 'value\t%s\n' 'text'
        case 'approvals deny'
            printf 'value\t%s\n' 'text'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--reason' 'text' 'Why, for whoever asked.'
        case 'approvals withdraw'
            printf 'value\t%s\n' 'text'
        case 'approvals delegate'
            printf 'value\t%s\n' 'people'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--until' 'text' 'The last day, or a moment.' 'flag' '--from' 'text' 'The first day, or a moment; now when left out.'
        case 'approvals revoke'
            printf 'value\t%s\n' 'text'
        case 'approvals delegations'
        case 'grants'
            printf '%s\t%s\t%s\n' 'child' 'list' 'List access that ends by itself: yours, that on your groups, and all of it for the service desk.' 'child' 'show' 'Show one grant: who has what until when, by whose leave, and how it ended. Exit code 8: it is overdue.' 'child' 'extend' 'Ask for a later end, as for new access: with every right, and an approval where one is needed.' 'child' 'return' 'Give your own access back before its end; the worker takes it back, and that is read back.' 'child' 'revoke' 'End somebody\'s access before its time; for owners of the group and the service desk.' 'child' 'review' 'Look over who has what: since when, by whose approval, until when, and whether the directory says so now.'
        case 'grants list'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--ended' 'switch' 'Those that are over, too.' 'flag' '--person' 'people' 'Only this person\'s.' 'flag' '--group' 'groups' 'Only on this group.'
        case 'grants show'
            printf 'value\t%s\n' 'text'
        case 'grants extend'
            printf 'value\t%s\n' 'text'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--days' 'text' 'So many days from when it is granted.' 'flag' '--until' 'text' 'To the end of this day, or to a moment: 2026-12-02T18:00.' 'flag' '--reason' 'text' 'Why; the approver reads it.'
        case 'grants return'
            printf 'value\t%s\n' 'text'
        case 'grants revoke'
            printf 'value\t%s\n' 'text'
        case 'grants review'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--group' 'groups' 'Everybody in this group, with and without an end.'
        case 'workflow'
            printf '%s\t%s\t%s\n' 'child' 'list' 'List the workflows that are installed; each is an action: helpdesk do NAME.' 'child' 'show' 'Show a workflow with its inputs and steps, or a run with what became of each step.' 'child' 'check' 'Say everything that is wrong with a workflow file, each with its line. Exit code 2: something is.' 'child' 'graph' 'Draw a workflow, in text or as SVG; for a run with the state of each step.' 'child' 'runs' 'List the runs of workflows: yours, newest first.' 'child' 'cancel' 'Let a run stop before its next step; what was done is taken back, unless its file says that it stays.' 'child' 'answer' 'Answer the question that a run asks you.' 'child' 'retry' 'Go on with a run that stopped, from one of its steps; what was done before stays, and is not done again.'
        case 'workflow list'
        case 'workflow show'
            printf 'value\t%s\n' 'text'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--follow' 'switch' 'Watch a run to its end.'
        case 'workflow check'
            printf 'value\t%s\n' 'files'
        case 'workflow graph'
            printf 'value\t%s\n' 'files'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--svg' 'files' 'Write it as SVG to a new FILE.'
        case 'workflow runs'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--all' 'switch' 'Everybody\'s; for the service desk and auditors.' 'flag' '--ended' 'switch' 'Those that have ended, too.'
        case 'workflow cancel'
            printf 'value\t%s\n' 'text'
        case 'workflow answer'
            printf 'value\t%s\n' 'text' 'choice:yes|no'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--note' 'text' 'What goes with it.'
        case 'workflow retry'
            printf 'value\t%s\n' 'text'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--from' 'text' 'The step that it goes on from.'
        case 'policy'
            printf '%s\t%s\t%s\n' 'child' 'search' 'Find the passages that answer a question, with file, heading and line.' 'child' 'show' 'Show one policy.' 'child' 'index' 'Read every policy again and say what is indexed.'
        case 'policy search'
            printf 'value\t%s\n' 'text…'
        case 'policy show'
            printf 'value\t%s\n' 'text…'
        case 'policy index'
        case 'undo'
            printf 'value\t%s\n' 'text'
        case 'why'
            printf 'value\t%s\n' 'actions'
        case 'login'
            printf 'value\t%s\n' 'people'
        case 'logout'
        case 'whoami'
        case 'log'
            printf '%s\t%s\t%s\n' 'child' 'list' 'List the latest entries, oldest first; with --after, the ones that follow it.' 'child' 'search' 'Find entries by who, what, whom, how it ended, when, and words; the latest that fit, oldest first.' 'child' 'show' 'Show one entry, whole.' 'child' 'verify' 'Check the whole log: every entry, their order, and the signed checkpoint.' 'child' 'checkpoint' 'Print the signed checkpoint; kept elsewhere, it shows later that nothing was taken away.' 'child' 'prove' 'Print the proof that the log only grew since a checkpoint that was kept elsewhere.' 'child' 'check-proof' 'Check a proof with the public key alone: no log, no directory and no configuration is needed.' 'child' 'export' 'Copy the log, or the entries that fit, into a file of its own: a table to search, or text.' 'child' 'stats' 'Count what was asked for and what became of it, together and for each action.' 'child' 'report' 'Make a page or a picture of what became of what was asked for.' 'child' 'segments' 'List the closed segments of the log, the live file, and what retention removed.' 'child' 'rotate' 'Close a segment: what is logged so far moves into a file of its own, linked to what follows.' 'child' 'retain' 'Remove old segments from the log, for good, and record that in the log.' 'child' 'erase' 'Erase a person\'s names and texts from the log, for good; what was done, and by which id, stays.'
        case 'log list'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--limit' 'text' 'How many entries at most.' 'flag' '--actor' 'text' 'Who acted: login or id (repeatable).' 'flag' '--action' 'actions' 'Which action (repeatable).' 'flag' '--target' 'text' 'Whom or what it is about: login, group or id (repeatable).' 'flag' '--outcome' 'text' 'How it ended, or was decided (repeatable).' 'flag' '--kind' 'text' 'Only entries of this kind (repeatable).' 'flag' '--after' 'text' 'Only from then on, or after that entry: an entry\'s number, a date, a time, or an age such as 7d.' 'flag' '--before' 'text' 'Only before then, or before that entry.' 'flag' '--text' 'text' 'Words that all occur in it.'
        case 'log search'
            printf 'value\t%s\n' 'text…'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--limit' 'text' 'How many entries at most.' 'flag' '--actor' 'text' 'Who acted: login or id (repeatable).' 'flag' '--action' 'actions' 'Which action (repeatable).' 'flag' '--target' 'text' 'Whom or what it is about: login, group or id (repeatable).' 'flag' '--outcome' 'text' 'How it ended, or was decided (repeatable).' 'flag' '--kind' 'text' 'Only entries of this kind (repeatable).' 'flag' '--after' 'text' 'Only from then on, or after that entry: an entry\'s number, a date, a time, or an age such as 7d.' 'flag' '--before' 'text' 'Only before then, or before that entry.' 'flag' '--text' 'text' 'Words that all occur in it.'
        case 'log show'
            printf 'value\t%s\n' 'text'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--proof' 'switch' 'Print the proof that it is in the log.' 'flag' '--names' 'switch' 'Tell the names and texts with the proof, provably.' 'flag' '--checkpoint' 'files' 'Prove it under this checkpoint, not the newest.'
        case 'log verify'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--checkpoint' 'files' 'A checkpoint that was kept elsewhere.' 'flag' '--since' 'text' 'A checkpoint that was kept elsewhere; check only what came after it.'
        case 'log checkpoint'
        case 'log prove'
            printf 'value\t%s\n' 'text'
        case 'log check-proof'
            printf 'value\t%s\n' 'files'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--key' 'text' 'The host\'s public key, host.pub.' 'flag' '--checkpoint' 'files' 'A checkpoint that was kept elsewhere.'
        case 'log export'
            printf 'value\t%s\n' 'files'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--format' 'choice:table|jsonl|csv|ocsf' 'An SQLite table, JSON lines, CSV, or the events of OCSF.' 'flag' '--actor' 'text' 'Who acted: login or id (repeatable).' 'flag' '--action' 'actions' 'Which action (repeatable).' 'flag' '--target' 'text' 'Whom or what it is about: login, group or id (repeatable).' 'flag' '--outcome' 'text' 'How it ended, or was decided (repeatable).' 'flag' '--kind' 'text' 'Only entries of this kind (repeatable).' 'flag' '--after' 'text' 'Only from then on, or after that entry: an entry\'s number, a date, a time, or an age such as 7d.' 'flag' '--before' 'text' 'Only before then, or before that entry.' 'flag' '--text' 'text' 'Words that all occur in it.'
        case 'log stats'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--actor' 'text' 'Who acted: login or id (repeatable).' 'flag' '--action' 'actions' 'Which action (repeatable).' 'flag' '--target' 'text' 'Whom or what it is about: login, group or id (repeatable).' 'flag' '--after' 'text' 'Only from then on, or after that entry: an entry\'s number, a date, a time, or an age such as 7d.' 'flag' '--before' 'text' 'Only before then, or before that entry.'
        case 'log report'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--output' 'files' 'The new file: a page (.html) or a picture (.svg).' 'flag' '--actor' 'text' 'Who acted: login or id (repeatable).' 'flag' '--action' 'actions' 'Which action (repeatable).' 'flag' '--target' 'text' 'Whom or what it is about: login, group or id (repeatable).' 'flag' '--after' 'text' 'Only from then on, or after that entry: an entry\'s number, a date, a time, or an age such as 7d.' 'flag' '--before' 'text' 'Only before then, or before that entry.'
        case 'log segments'
        case 'log rotate'
        case 'log retain'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--keep-days' 'text' 'Keep so many days, not those of [log] keep_days.'
        case 'log erase'
            printf 'value\t%s\n' 'people'
        case 'worker'
            printf '%s\t%s\t%s\n' 'child' 'status' 'Who serves, and what waits. Exit code 1 when no worker is alive.' 'child' 'key' 'Print this host\'s public key, for [worker] trusted_hosts on the other hosts.' 'child' 'unit' 'Print a systemd unit for a worker of this account and profile.'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--once' 'switch' 'End when nothing is due any more.' 'flag' '--drain' 'text' 'How long what runs may take to end.'
        case 'worker status'
        case 'worker key'
        case 'worker unit'
        case 'reconcile'
        case 'store'
            printf '%s\t%s\t%s\n' 'child' 'status' 'Show where requests are kept, the versions of their tables, and how many wait.' 'child' 'migrate' 'Bring the tables to this program\'s version, in one transaction. It may be run again at any time.' 'child' 'backup' 'Write a backup of requests, runs, cases and the log to a new, private file, while everything goes on.' 'child' 'restore' 'Put a backup back, after every part of it was checked. No worker may serve the store meanwhile.'
        case 'store status'
        case 'store migrate'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--grant' 'text' 'A user of Postgres that gets the rights programs need.'
        case 'store backup'
            printf 'value\t%s\n' 'files'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--with-key' 'switch' 'The host\'s private key too: the file can then sign as this host.'
        case 'store restore'
            printf 'value\t%s\n' 'files'
        case 'doctor'
        case 'config'
            printf '%s\t%s\t%s\n' 'child' 'show' 'Show every setting that is in use.' 'child' 'path' 'Show which files are read, the strongest first, and where state and cache are.'
        case 'config show'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--origin' 'switch' 'Say where each value comes from.'
        case 'config path'
        case 'plugin'
            printf '%s\t%s\t%s\n' 'child' 'list' 'List the plugins with their actions, and say why a plugin is not used.'
        case 'plugin list'
        case 'completions'
            printf 'value\t%s\n' 'choice:bash|zsh|fish|powershell'
        case 'privacy'
            printf 'value\t%s\n' 'text…'
        case 'demo'
            printf '%s\t%s\t%s\t%s\n' 'flag' '--script' 'switch' 'Play the whole story in a company that is gone afterwards.' 'flag' '--reset' 'switch' 'Take your demo company down first, and found it anew.'
        case '*'
            return 1
    end
end

function __helpdesk_globals
    printf '%s\t%s\t%s\t%s\n' 'flag' '--json' 'switch' 'one JSON document on standard output, errors included' 'flag' '--plain' 'switch' 'one record a line, nothing drawn' 'flag' '-n' 'switch' 'show what would change, and change nothing' 'flag' '--dry-run' 'switch' 'show what would change, and change nothing' 'flag' '--no-input' 'switch' 'never ask; fail and name the missing flag' 'flag' '-y' 'switch' 'confirm the action named on the command line, and no other' 'flag' '--yes' 'switch' 'confirm the action named on the command line, and no other' 'flag' '--yes-for' 'actions' 'with ask: confirm this action (repeatable)' 'flag' '--as' 'people' 'sign in as LOGIN for this command only' 'flag' '--user' 'people' 'sign in as LOGIN for this command only' 'flag' '--password-stdin' 'switch' 'read that password from standard input' 'flag' '--password-file' 'files' 'read that password from FILE (- is standard input)' 'flag' '--reveal-to' 'files' 'where a generated password goes off a terminal' 'flag' '--profile' 'choice:demo' 'use another set of files (demo: the demo\'s company)' 'flag' '-q' 'switch' 'say less / more on the way' 'flag' '--quiet' 'switch' 'say less / more on the way' 'flag' '-v' 'switch' 'say less / more on the way' 'flag' '--verbose' 'switch' 'say less / more on the way' 'flag' '--color' 'choice:auto|always|never' 'colour; --no-color is never' 'flag' '--no-pager' 'switch' 'never use a pager' 'flag' '-d' 'switch' 'show tracebacks' 'flag' '--debug' 'switch' 'show tracebacks' 'flag' '-h' 'switch' 'this help / the version' 'flag' '--help' 'switch' 'this help / the version' 'flag' '-V' 'switch' 'this help / the version' 'flag' '--version' 'switch' 'this help / the version' 'flag' '--no-color' 'switch' 'no colour'
end

function __helpdesk_list --argument-names folder name days # the words of a cached list
    set -l file "$folder/$name"
    string match -q '*/*' -- "$name"; and return 1
    test -f "$file" -a -r "$file"; or return 1
    set -l lines
    while read -l line
        set -a lines $line
    end <"$file"
    string match -qr '^# [0-9]{1,12}$' -- "$lines[1]"; or return 1
    if test $days -gt 0
        set -l age (path mtime -R -- "$file" 2>/dev/null)
        test -n "$age"; and test $age -gt (math "$days * 86400"); and return 1
    end
    set -e lines[1]
    string join \n -- $lines
end

function __helpdesk_site --argument-names folder action # a site's own action, as the lines of a place
    set -l lines (__helpdesk_list $folder "flags.$action" 0); or return 1
    for line in $lines
        set -l parts (string split -m 1 ' ' -- $line)
        if test "x$parts[1]" = x.
            printf 'value\t%s\n' $parts[2]
        else
            printf 'flag\t%s\t%s\t\n' $parts[1] $parts[2]
        end
    end
end

function __helpdesk_kind --argument-names flag # FLAG LINE…: what completes its value
    for line in $argv[2..-1]
        set -l parts (string split \t -- $line)
        if contains -- "$parts[1] $parts[2]" "flag $flag"
            echo $parts[3]
            return
        end
    end
end

function __helpdesk_offer --argument-names folder kind head part # the words that complete a kind
    switch "$kind"
        case people groups cases
            set -l words (__helpdesk_list $folder $kind 30); or return
            set -l seconds (path mtime -R -- $folder/$kind 2>/dev/null); or set seconds 0
            set -l days (math -s 0 "$seconds / 86400")
            set -l age "list of $days days ago"
            test $days -lt 1; and set age "list of today"
            for word in $words
                printf '%s\t%s\n' "$head$word" $age
            end
        case actions
            set -l words (__helpdesk_list $folder actions 0); or set words 'access.grant' 'access.hand-over' 'access.list' 'access.production' 'access.request' 'access.revoke' 'access.show' 'account.disable' 'account.enable' 'mail.send' 'password.change' 'password.reset' 'password.status' 'password.unlock' 'people.alias' 'people.archive' 'people.create' 'people.find' 'people.manager' 'people.move' 'people.offboard' 'people.onboard' 'people.restore' 'people.unalias' 'people.update' 'people.whoami' 'policy.index' 'policy.search' 'policy.show' 'ticket.close' 'ticket.comment' 'ticket.open' 'ticket.reopen' 'ticket.status'
            for word in $words
                echo "$head$word"
            end
        case 'choice:*'
            for word in (string split '|' -- (string replace choice: '' -- $kind))
                echo "$head$word"
            end
        case files
            for word in (__fish_complete_path "$part")
                echo "$head$word"
            end
    end
end

function __helpdesk_complete
    set -l typed (commandline -opc)
    set -l cur (commandline -ct)
    set -l profile ''
    set -l previous ''
    for word in $typed
        test "x$previous" = x--profile; and set profile $word
        string match -q -- '--profile=*' $word; and set profile (string replace -- --profile= '' $word)
        set previous $word
    end
    string match -qr '^[A-Za-z0-9_-]+$' -- $profile; or set profile ''
    set -l folder $XDG_CACHE_HOME
    if not string match -q '/*' -- $folder
        set folder ~/.cache
        test -d ~/Library/Caches/helpdesk; and set folder ~/Library/Caches
    end
    set folder $folder/helpdesk
    test -n "$profile"; and set folder $folder/profiles/$profile
    set folder $folder/words

    set -l everywhere (__helpdesk_globals)
    set -l here (__helpdesk_place '')
    set -l key ''
    set -l flag ''
    set -l kind ''
    set -l ended ''
    set -l helping ''
    set -l n 1
    for word in $typed[2..-1]
        set -l values (string match -r '^value\t.*' -- $here | string replace -r '^value\t' '')
        if test -n "$flag"
            set flag ''
        else if test -z "$ended" -a "x$word" = x--
            set ended 1
        else if test -z "$ended"; and string match -q -- '-?*' $word
            set kind (__helpdesk_kind $word $here $everywhere)
            if test -n "$kind" -a "$kind" != switch
                set flag $word
            end
        else if test -z "$key" -a "x$word" = xhelp
            set helping 1
        else if string match -q 'child'\t'*' -- $here
            set key (string trim "$key $word")
            set n 1
            set here (__helpdesk_place $key; or __helpdesk_site $folder $word)
        else if string match -q 'actions*' -- "$values[$n]"
            set key "do $word"
            set n 1
            set here (__helpdesk_place $key; or __helpdesk_site $folder $word)
        else
            set n (math $n + 1)
        end
    end

    set -l values (string match -r '^value\t.*' -- $here | string replace -r '^value\t' '')
    if test -n "$flag"
        __helpdesk_offer $folder "$kind" '' "$cur"
    else if test -z "$ended"; and string match -q -- '--*=*' $cur
        set -l parts (string split -m 1 = -- $cur)
        __helpdesk_offer $folder "$(__helpdesk_kind $parts[1] $here $everywhere)" "$parts[1]=" "$parts[2]"
    else if test -z "$ended"; and string match -q -- '-*' $cur
        for line in $here $everywhere
            set -l parts (string split \t -- $line)
            test "x$parts[1]" = xflag; and printf '%s\t%s\n' $parts[2] "$parts[4]"
        end
    else if string match -q 'child'\t'*' -- $here
        set -l names
        test "$key" = do; and set names (__helpdesk_list $folder actions 0)
        for line in $here
            set -l parts (string split \t -- $line)
            test "x$parts[1]" = xchild; or continue
            set -q names[1]; and not contains -- $parts[2] $names; and continue
            printf '%s\t%s\n' $parts[2] "$parts[3]"
        end
        test -n "$names"; and string join \n -- $names
    else if test -z "$helping"; and set -q values[1]
        if test $n -gt (count $values); and string match -q '*…' -- $values[-1]
            set n (count $values)
        end
        test $n -gt (count $values); or __helpdesk_offer $folder (string replace … '' -- $values[$n]) '' "$cur"
    end
end

complete -c helpdesk -e
complete -c helpdesk -f -a '(__helpdesk_complete)'
