# helpdesk completion for PowerShell. Made by `make completions`; change the template, not this file.
#
#   helpdesk completions powershell | Out-String | Invoke-Expression      (in $PROFILE)
#
# It starts no program, imports nothing and uses no network. Actions of a site's own plugins, people, groups and cases
# come from the lists that helpdesk keeps in its cache folder; names older than 30 days are left out.

Register-ArgumentCompleter -Native -CommandName helpdesk -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    # each place: f flags (name, kind, help), v kinds of its values, c what follows it (name, help)
    $places = @{
        '' = @{ f = @(); v = @(); c = @(@('ask', 'Ask for something in your own words'), @('chat', 'The same as a conversation'), @('tui', 'The full-screen app; helpdesk alone opens it too'), @('do', 'Run an action by its name; alone: the actions you may run'), @('case', 'What you are working on, in any window: list, show, close, export'), @('approvals', 'Requests that wait for you, and your own'), @('grants', 'Access that ends by itself: list, extend, return, revoke, review'), @('workflow', 'Processes of several steps, and what is under way'), @('policy', 'Search and read the company''s policies'), @('undo', 'Take back what an entry of the log says was done'), @('why', 'Why something was refused or done, or would be'), @('login', 'Sign in, for the length of a session'), @('logout', 'Forget the session'), @('whoami', 'Who is signed in, with roles and groups'), @('log', 'Read and verify the log of everything done'), @('worker', 'Carry out what was approved, and look at who does'), @('reconcile', 'Read back what was left unknown'), @('store', 'Where requests are kept: status, migrate, backup, restore'), @('doctor', 'Check directory, keyring, model, log and plugins'), @('config', 'Show the settings and where each comes from'), @('plugin', 'List the plugins and their actions'), @('completions', 'Print the completion script of a shell'), @('privacy', 'Show what a model would be sent'), @('demo', 'A whole company on this machine, to try it'), @('help', 'Help for a command')) }
        'help' = @{ f = @(); v = @(); c = @() }
        'ask' = @{ f = @(@('--continue', 'switch', 'Go on with your open case that changed last.'), @('--case', 'cases', 'Go on with this case of yours.')); v = @('text…'); c = @() }
        'chat' = @{ f = @(@('--resume', 'cases', 'Go on with this case of yours.'), @('--continue', 'switch', 'Go on with your open case that changed last.'), @('--linear', 'switch', 'Plain labelled lines with numbered choices, for screen readers.')); v = @(); c = @() }
        'tui' = @{ f = @(); v = @(); c = @() }
        'do' = @{ f = @(@('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @(); c = @(@('access.grant', 'Make someone a member of a group that you own.'), @('access.hand-over', 'Make somebody the owner of the groups that another person owns.'), @('access.list', 'List the groups that someone is a member of.'), @('access.production', 'Temporary access to production'), @('access.request', 'Ask to become a member of a group; its owner approves.'), @('access.revoke', 'Take someone out of a group that you own, or leave a group yourself.'), @('access.show', 'Show what groups there are, or what one is for and who owns it.'), @('account.disable', 'Switch an account off, so that nobody can sign in with it.'), @('account.enable', 'Switch an account on again.'), @('mail.send', 'Send somebody a message by mail, at the address that the directory has of them.'), @('password.change', 'Change your own password.'), @('password.reset', 'Give someone a temporary password, which they must change at next sign-in.'), @('password.status', 'Say what state an account and its password are in, and what to do about it.'), @('password.unlock', 'Lift the lock that too many wrong passwords put on an account.'), @('people.alias', 'Give somebody one more mail address.'), @('people.archive', 'Mark somebody as having left; the account must be disabled first, and the entry stays.'), @('people.create', 'Add somebody new to the directory, with an account that is disabled until somebody enables it.'), @('people.find', 'Find people by name, login, mail or employee number.'), @('people.manager', 'Say in the directory whom somebody reports to.'), @('people.move', 'Somebody moves to another team'), @('people.offboard', 'Somebody leaves the company'), @('people.onboard', 'Somebody new joins the company'), @('people.restore', 'Take the mark of having left away; the account stays as it is.'), @('people.unalias', 'Take a further mail address away from somebody; their own one stays.'), @('people.update', 'Change your own contact data: telephone number, job title, mail address.'), @('people.whoami', 'Say who is signed in, with their roles and groups.'), @('policy.index', 'Read every policy document again and rebuild the index, which is a cache.'), @('policy.search', 'Find what the company''s policies say, with file, heading and line.'), @('policy.show', 'Show a policy document, or one section of it, with line numbers.'), @('ticket.close', 'Close a ticket of yours.'), @('ticket.comment', 'Add a comment to a ticket of yours.'), @('ticket.open', 'Open a ticket for the people of the service desk.'), @('ticket.reopen', 'Open a closed ticket of yours again.'), @('ticket.status', 'Say how a ticket stands, or list yours.')) }
        'do access.grant' = @{ f = @(@('--person', 'people', 'who gets access'), @('--group', 'groups', 'to which group'), @('--days', 'text', 'end it so many days after it is given; for good when left out'), @('--until', 'text', 'end it on this day, or at a moment such as 2026-12-02T18:00'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @('people', 'groups'); c = @() }
        'do access.hand-over' = @{ f = @(@('--person', 'people', 'who owns them now'), @('--to', 'people', 'who owns them from now on'), @('--groups', 'text', 'which ones, with semicolons between; all of them when left out'), @('--stays', 'switch', 'the one who owns them now stays an owner too'), @('--no-stays', 'switch', ''), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @('people', 'people'); c = @() }
        'do access.list' = @{ f = @(@('--person', 'people', 'whose access; your own when left out'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @(); c = @() }
        'do access.production' = @{ f = @(@('--group', 'groups', 'which group opens it'), @('--reason', 'text', 'what it is for; the approver reads it'), @('--days', 'choice:1|2|3', 'for how many days'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @('groups', 'text'); c = @() }
        'do access.request' = @{ f = @(@('--group', 'groups', 'which group'), @('--reason', 'text', 'what it is for; the approver reads it'), @('--days', 'text', 'end it so many days after it is given; for good when left out'), @('--until', 'text', 'end it on this day, or at a moment such as 2026-12-02T18:00'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @('groups'); c = @() }
        'do access.revoke' = @{ f = @(@('--person', 'people', 'who loses access'), @('--group', 'groups', 'from which group'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @('people', 'groups'); c = @() }
        'do access.show' = @{ f = @(@('--group', 'groups', 'which group; all of them when left out'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @(); c = @() }
        'do account.disable' = @{ f = @(@('--person', 'people', 'whose account'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @('people'); c = @() }
        'do account.enable' = @{ f = @(@('--person', 'people', 'whose account'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @('people'); c = @() }
        'do mail.send' = @{ f = @(@('--person', 'people', 'to whom; the address comes from the directory'), @('--subject', 'text', 'what it is about, on one line'), @('--body', 'text', 'the text'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @('people', 'text', 'text'); c = @() }
        'do password.change' = @{ f = @(@('--new-password-file', 'files', 'your new password'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @(); c = @() }
        'do password.reset' = @{ f = @(@('--person', 'people', 'who gets a new password'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @('people'); c = @() }
        'do password.status' = @{ f = @(@('--person', 'people', 'whose account; your own when left out'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @(); c = @() }
        'do password.unlock' = @{ f = @(@('--person', 'people', 'whose account is locked'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @('people'); c = @() }
        'do people.alias' = @{ f = @(@('--person', 'people', 'whose mailbox'), @('--address', 'text', 'the further address'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @('people', 'text'); c = @() }
        'do people.archive' = @{ f = @(@('--person', 'people', 'who has left'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @('people'); c = @() }
        'do people.create' = @{ f = @(@('--login', 'text', 'the new login name: small letters, digits, dots and dashes'), @('--full-name', 'text', 'their name'), @('--mail', 'text', 'their mail address'), @('--title', 'text', 'their job title'), @('--manager', 'people', 'whom they report to'), @('--employee-number', 'text', 'their number in the personnel files'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @('text', 'text', 'text'); c = @() }
        'do people.find' = @{ f = @(@('--words', 'text', 'part of a name, a login, a mail address or an employee number'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @('text'); c = @() }
        'do people.manager' = @{ f = @(@('--person', 'people', 'whose entry'), @('--manager', 'people', 'whom they report to; nobody when left out'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @('people'); c = @() }
        'do people.move' = @{ f = @(@('--person', 'people', 'who moves'), @('--manager', 'people', 'whom they report to from now on'), @('--gets', 'text', 'the groups that they get, with commas between'), @('--leaves', 'text', 'the groups that they leave, with commas between'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @('people', 'people'); c = @() }
        'do people.offboard' = @{ f = @(@('--person', 'people', 'who leaves'), @('--successor', 'people', 'who owns their groups from now on; left out, they keep their owner'), @('--equipment', 'text', 'what they hand back'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @('people'); c = @() }
        'do people.onboard' = @{ f = @(@('--login', 'text', 'the new login name'), @('--full-name', 'text', 'their name'), @('--mail', 'text', 'their mail address'), @('--manager', 'people', 'whom they report to'), @('--title', 'text', 'their job title'), @('--groups', 'text', 'the groups that they get, with commas between'), @('--alias', 'text', 'a further mail address'), @('--equipment', 'text', 'what they need on their desk'), @('--first-day', 'text', 'their first day'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @('text', 'text', 'text', 'people'); c = @() }
        'do people.restore' = @{ f = @(@('--person', 'people', 'who is back'), @('--employment', 'text', 'what the entry says of their employment instead'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @('people'); c = @() }
        'do people.unalias' = @{ f = @(@('--person', 'people', 'whose mailbox'), @('--address', 'text', 'the further address that goes'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @('people', 'text'); c = @() }
        'do people.update' = @{ f = @(@('--phone', 'text', 'your new telephone number'), @('--title', 'text', 'your new job title'), @('--mail', 'text', 'your new mail address'), @('--clear', 'text', 'what to take out: mail, phone or title; several with commas'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @(); c = @() }
        'do people.whoami' = @{ f = @(@('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @(); c = @() }
        'do policy.index' = @{ f = @(@('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @(); c = @() }
        'do policy.search' = @{ f = @(@('--question', 'text', 'the question, in your own words'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @('text'); c = @() }
        'do policy.show' = @{ f = @(@('--document', 'text', 'the document''s file or title'), @('--heading', 'text', 'one section only: its heading'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @('text'); c = @() }
        'do ticket.close' = @{ f = @(@('--id', 'text', 'the ticket''s number'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @('text'); c = @() }
        'do ticket.comment' = @{ f = @(@('--id', 'text', 'the ticket''s number'), @('--text', 'text', 'the comment'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @('text', 'text'); c = @() }
        'do ticket.open' = @{ f = @(@('--subject', 'text', 'what it is about, in a few words'), @('--body', 'text', 'the details'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @('text'); c = @() }
        'do ticket.reopen' = @{ f = @(@('--id', 'text', 'the ticket''s number'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @('text'); c = @() }
        'do ticket.status' = @{ f = @(@('--id', 'text', 'the ticket''s number; all of yours when left out'), @('--batch', 'files', 'one call for each row: CSV whose header names the arguments, or JSON lines; - is standard input'), @('--yes-plan', 'text', 'confirm exactly that plan'), @('--stop-after', 'text', 'begin no further row after N have failed'), @('--run-name', 'text', 'another run of a file that was carried out before')); v = @(); c = @() }
        'case' = @{ f = @(); v = @(); c = @(@('list', 'List your open cases, the one that changed last first.'), @('show', 'Show one of your cases: what was said, what was done with its log entries, and what waits.'), @('close', 'Close a case. Resolved is only what its receipts show; given up is not resolved, and is said so.'), @('rewind', 'Go back to the end of an earlier turn. What was really done since stays done, and stays in view.'), @('export', 'Copy a case into a file of its own, to read or for a program.')) }
        'case list' = @{ f = @(, @('--all', 'switch', 'Also those that were closed or handed off.')); v = @(); c = @() }
        'case show' = @{ f = @(); v = @('cases'); c = @() }
        'case close' = @{ f = @(); v = @('cases'); c = @() }
        'case rewind' = @{ f = @(); v = @('cases', 'text'); c = @() }
        'case export' = @{ f = @(, @('--format', 'choice:markdown|json', 'To read, or for a program.')); v = @('cases', 'files'); c = @() }
        'approvals' = @{ f = @(); v = @(); c = @(@('list', 'List what waits for you, and what you asked for with where it stands.'), @('show', 'Show one request: what would change, who asked and why, until when, and what you can do.'), @('approve', 'Approve a request: you see its present state, and your own rights carry it out.'), @('deny', 'Say no to a request; nothing is changed.'), @('withdraw', 'Take one of your own requests back.'), @('delegate', 'Let somebody approve in your stead, with your right, until a day.'), @('revoke', 'Let somebody stand in for you no more.'), @('delegations', 'List who stands in for you, and for whom you do.')) }
        'approvals list' = @{ f = @(, @('--limit', 'text', 'At most N of each; 0 for all of them.')); v = @(); c = @() }
        'approvals show' = @{ f = @(); v = @('text'); c = @() }
        'approvals approve' = @{ f = @(); v = @('text'); c = @() }
        'approvals deny' = @{ f = @(, @('--reason', 'text', 'Why, for whoever asked.')); v = @('text'); c = @() }
        'approvals withdraw' = @{ f = @(); v = @('text'); c = @() }
        'approvals delegate' = @{ f = @(@('--until', 'text', 'The last day, or a moment.'), @('--from', 'text', 'The first day, or a moment; now when left out.')); v = @('people'); c = @() }
        'approvals revoke' = @{ f = @(); v = @('text'); c = @() }
        'approvals delegations' = @{ f = @(); v = @(); c = @() }
        'grants' = @{ f = @(); v = @(); c = @(@('list', 'List access that ends by itself: yours, that on your groups, and all of it for the service desk.'), @('show', 'Show one grant: who has what until when, by whose leave, and how it ended. Exit code 8: it is overdue.'), @('extend', 'Ask for a later end, as for new access: with every right, and an approval where one is needed.'), @('return', 'Give your own access back before its end; the worker takes it back, and that is read back.'), @('revoke', 'End somebody''s access before its time; for owners of the group and the service desk.'), @('review', 'Look over who has what: since when, by whose approval, until when, and whether the directory says so now.')) }
        'grants list' = @{ f = @(@('--ended', 'switch', 'Those that are over, too.'), @('--person', 'people', 'Only this person''s.'), @('--group', 'groups', 'Only on this group.')); v = @(); c = @() }
        'grants show' = @{ f = @(); v = @('text'); c = @() }
        'grants extend' = @{ f = @(@('--days', 'text', 'So many days from when it is granted.'), @('--until', 'text', 'To the end of this day, or to a moment: 2026-12-02T18:00.'), @('--reason', 'text', 'Why; the approver reads it.')); v = @('text'); c = @() }
        'grants return' = @{ f = @(); v = @('text'); c = @() }
        'grants revoke' = @{ f = @(); v = @('text'); c = @() }
        'grants review' = @{ f = @(, @('--group', 'groups', 'Everybody in this group, with and without an end.')); v = @(); c = @() }
        'workflow' = @{ f = @(); v = @(); c = @(@('list', 'List the workflows that are installed; each is an action: helpdesk do NAME.'), @('show', 'Show a workflow with its inputs and steps, or a run with what became of each step.'), @('check', 'Say everything that is wrong with a workflow file, each with its line. Exit code 2: something is.'), @('graph', 'Draw a workflow, in text or as SVG; for a run with the state of each step.'), @('runs', 'List the runs of workflows: yours, newest first.'), @('cancel', 'Let a run stop before its next step; what was done is taken back, unless its file says that it stays.'), @('answer', 'Answer the question that a run asks you.'), @('retry', 'Go on with a run that stopped, from one of its steps; what was done before stays, and is not done again.')) }
        'workflow list' = @{ f = @(); v = @(); c = @() }
        'workflow show' = @{ f = @(, @('--follow', 'switch', 'Watch a run to its end.')); v = @('text'); c = @() }
        'workflow check' = @{ f = @(); v = @('files'); c = @() }
        'workflow graph' = @{ f = @(, @('--svg', 'files', 'Write it as SVG to a new FILE.')); v = @('files'); c = @() }
        'workflow runs' = @{ f = @(@('--all', 'switch', 'Everybody''s; for the service desk and auditors.'), @('--ended', 'switch', 'Those that have ended, too.')); v = @(); c = @() }
        'workflow cancel' = @{ f = @(); v = @('text'); c = @() }
        'workflow answer' = @{ f = @(, @('--note', 'text', 'What goes with it.')); v = @('text', 'choice:yes|no'); c = @() }
        'workflow retry' = @{ f = @(, @('--from', 'text', 'The step that it goes on from.')); v = @('text'); c = @() }
        'policy' = @{ f = @(); v = @(); c = @(@('search', 'Find the passages that answer a question, with file, heading and line.'), @('show', 'Show one policy.'), @('index', 'Read every policy again and say what is indexed.')) }
        'policy search' = @{ f = @(); v = @('text…'); c = @() }
        'policy show' = @{ f = @(); v = @('text…'); c = @() }
        'policy index' = @{ f = @(); v = @(); c = @() }
        'undo' = @{ f = @(); v = @('text'); c = @() }
        'why' = @{ f = @(); v = @('actions'); c = @() }
        'login' = @{ f = @(); v = @('people'); c = @() }
        'logout' = @{ f = @(); v = @(); c = @() }
        'whoami' = @{ f = @(); v = @(); c = @() }
        'log' = @{ f = @(); v = @(); c = @(@('list', 'List the latest entries, oldest first; with --after, the ones that follow it.'), @('search', 'Find entries by who, what, whom, how it ended, when, and words; the latest that fit, oldest first.'), @('show', 'Show one entry, whole.'), @('verify', 'Check the whole log: every entry, their order, and the signed checkpoint.'), @('checkpoint', 'Print the signed checkpoint; kept elsewhere, it shows later that nothing was taken away.'), @('prove', 'Print the proof that the log only grew since a checkpoint that was kept elsewhere.'), @('check-proof', 'Check a proof with the public key alone: no log, no directory and no configuration is needed.'), @('export', 'Copy the log, or the entries that fit, into a file of its own: a table to search, or text.'), @('stats', 'Count what was asked for and what became of it, together and for each action.'), @('report', 'Make a page or a picture of what became of what was asked for.'), @('segments', 'List the closed segments of the log, the live file, and what retention removed.'), @('rotate', 'Close a segment: what is logged so far moves into a file of its own, linked to what follows.'), @('retain', 'Remove old segments from the log, for good, and record that in the log.'), @('erase', 'Erase a person''s names and texts from the log, for good; what was done, and by which id, stays.')) }
        'log list' = @{ f = @(@('--limit', 'text', 'How many entries at most.'), @('--actor', 'text', 'Who acted: login or id (repeatable).'), @('--action', 'actions', 'Which action (repeatable).'), @('--target', 'text', 'Whom or what it is about: login, group or id (repeatable).'), @('--outcome', 'text', 'How it ended, or was decided (repeatable).'), @('--kind', 'text', 'Only entries of this kind (repeatable).'), @('--after', 'text', 'Only from then on, or after that entry: an entry''s number, a date, a time, or an age such as 7d.'), @('--before', 'text', 'Only before then, or before that entry.'), @('--text', 'text', 'Words that all occur in it.')); v = @(); c = @() }
        'log search' = @{ f = @(@('--limit', 'text', 'How many entries at most.'), @('--actor', 'text', 'Who acted: login or id (repeatable).'), @('--action', 'actions', 'Which action (repeatable).'), @('--target', 'text', 'Whom or what it is about: login, group or id (repeatable).'), @('--outcome', 'text', 'How it ended, or was decided (repeatable).'), @('--kind', 'text', 'Only entries of this kind (repeatable).'), @('--after', 'text', 'Only from then on, or after that entry: an entry''s number, a date, a time, or an age such as 7d.'), @('--before', 'text', 'Only before then, or before that entry.'), @('--text', 'text', 'Words that all occur in it.')); v = @('text…'); c = @() }
        'log show' = @{ f = @(@('--proof', 'switch', 'Print the proof that it is in the log.'), @('--names', 'switch', 'Tell the names and texts with the proof, provably.'), @('--checkpoint', 'files', 'Prove it under this checkpoint, not the newest.')); v = @('text'); c = @() }
        'log verify' = @{ f = @(@('--checkpoint', 'files', 'A checkpoint that was kept elsewhere.'), @('--since', 'text', 'A checkpoint that was kept elsewhere; check only what came after it.')); v = @(); c = @() }
        'log checkpoint' = @{ f = @(); v = @(); c = @() }
        'log prove' = @{ f = @(); v = @('text'); c = @() }
        'log check-proof' = @{ f = @(@('--key', 'text', 'The host''s public key, host.pub.'), @('--checkpoint', 'files', 'A checkpoint that was kept elsewhere.')); v = @('files'); c = @() }
        'log export' = @{ f = @(@('--format', 'choice:table|jsonl|csv|ocsf', 'An SQLite table, JSON lines, CSV, or the events of OCSF.'), @('--actor', 'text', 'Who acted: login or id (repeatable).'), @('--action', 'actions', 'Which action (repeatable).'), @('--target', 'text', 'Whom or what it is about: login, group or id (repeatable).'), @('--outcome', 'text', 'How it ended, or was decided (repeatable).'), @('--kind', 'text', 'Only entries of this kind (repeatable).'), @('--after', 'text', 'Only from then on, or after that entry: an entry''s number, a date, a time, or an age such as 7d.'), @('--before', 'text', 'Only before then, or before that entry.'), @('--text', 'text', 'Words that all occur in it.')); v = @('files'); c = @() }
        'log stats' = @{ f = @(@('--actor', 'text', 'Who acted: login or id (repeatable).'), @('--action', 'actions', 'Which action (repeatable).'), @('--target', 'text', 'Whom or what it is about: login, group or id (repeatable).'), @('--after', 'text', 'Only from then on, or after that entry: an entry''s number, a date, a time, or an age such as 7d.'), @('--before', 'text', 'Only before then, or before that entry.')); v = @(); c = @() }
        'log report' = @{ f = @(@('--output', 'files', 'The new file: a page (.html) or a picture (.svg).'), @('--actor', 'text', 'Who acted: login or id (repeatable).'), @('--action', 'actions', 'Which action (repeatable).'), @('--target', 'text', 'Whom or what it is about: login, group or id (repeatable).'), @('--after', 'text', 'Only from then on, or after that entry: an entry''s number, a date, a time, or an age such as 7d.'), @('--before', 'text', 'Only before then, or before that entry.')); v = @(); c = @() }
        'log segments' = @{ f = @(); v = @(); c = @() }
        'log rotate' = @{ f = @(); v = @(); c = @() }
        'log retain' = @{ f = @(, @('--keep-days', 'text', 'Keep so many days, not those of [log] keep_days.')); v = @(); c = @() }
        'log erase' = @{ f = @(); v = @('people'); c = @() }
        'worker' = @{ f = @(@('--once', 'switch', 'End when nothing is due any more.'), @('--drain', 'text', 'How long what runs may take to end.')); v = @(); c = @(@('status', 'Who serves, and what waits. Exit code 1 when no worker is alive.'), @('key', 'Print this host''s public key, for [worker] trusted_hosts on the other hosts.'), @('unit', 'Print a systemd unit for a worker of this account and profile.')) }
        'worker status' = @{ f = @(); v = @(); c = @() }
        'worker key' = @{ f = @(); v = @(); c = @() }
        'worker unit' = @{ f = @(); v = @(); c = @() }
        'reconcile' = @{ f = @(); v = @(); c = @() }
        'store' = @{ f = @(); v = @(); c = @(@('status', 'Show where requests are kept, the versions of their tables, and how many wait.'), @('migrate', 'Bring the tables to this program''s version, in one transaction. It may be run again at any time.'), @('backup', 'Write a backup of requests, runs, cases and the log to a new, private file, while everything goes on.'), @('restore', 'Put a backup back, after every part of it was checked. No worker may serve the store meanwhile.')) }
        'store status' = @{ f = @(); v = @(); c = @() }
        'store migrate' = @{ f = @(, @('--grant', 'text', 'A user of Postgres that gets the rights programs need.')); v = @(); c = @() }
        'store backup' = @{ f = @(, @('--with-key', 'switch', 'The host''s private key too: the file can then sign as this host.')); v = @('files'); c = @() }
        'store restore' = @{ f = @(); v = @('files'); c = @() }
        'doctor' = @{ f = @(); v = @(); c = @() }
        'config' = @{ f = @(); v = @(); c = @(@('show', 'Show every setting that is in use.'), @('path', 'Show which files are read, the strongest first, and where state and cache are.')) }
        'config show' = @{ f = @(, @('--origin', 'switch', 'Say where each value comes from.')); v = @(); c = @() }
        'config path' = @{ f = @(); v = @(); c = @() }
        'plugin' = @{ f = @(); v = @(); c = @(, @('list', 'List the plugins with their actions, and say why a plugin is not used.')) }
        'plugin list' = @{ f = @(); v = @(); c = @() }
        'completions' = @{ f = @(); v = @('choice:bash|zsh|fish|powershell'); c = @() }
        'privacy' = @{ f = @(); v = @('text…'); c = @() }
        'demo' = @{ f = @(@('--script', 'switch', 'Play the whole story in a company that is gone afterwards.'), @('--reset', 'switch', 'Take your demo company down first, and found it anew.')); v = @(); c = @() }
    }
    $everywhere = @(
        @('--json', 'switch', 'one JSON document on standard output, errors included'),
        @('--plain', 'switch', 'one record a line, nothing drawn'),
        @('-n', 'switch', 'show what would change, and change nothing'),
        @('--dry-run', 'switch', 'show what would change, and change nothing'),
        @('--no-input', 'switch', 'never ask; fail and name the missing flag'),
        @('-y', 'switch', 'confirm the action named on the command line, and no other'),
        @('--yes', 'switch', 'confirm the action named on the command line, and no other'),
        @('--yes-for', 'actions', 'with ask: confirm this action (repeatable)'),
        @('--as', 'people', 'sign in as LOGIN for this command only'),
        @('--user', 'people', 'sign in as LOGIN for this command only'),
        @('--password-stdin', 'switch', 'read that password from standard input'),
        @('--password-file', 'files', 'read that password from FILE (- is standard input)'),
        @('--reveal-to', 'files', 'where a generated password goes off a terminal'),
        @('--wait', 'switch', 'with do: wait for the decision and the outcome, or at most so long: --wait=SECONDS'),
        @('--effective-at', 'text', 'with do: what is approved begins then, and not before'),
        @('--profile', 'choice:demo', 'use another set of files (demo: the demo''s company)'),
        @('-q', 'switch', 'say less / more on the way'),
        @('--quiet', 'switch', 'say less / more on the way'),
        @('-v', 'switch', 'say less / more on the way'),
        @('--verbose', 'switch', 'say less / more on the way'),
        @('--color', 'choice:auto|always|never', 'colour; --no-color is never'),
        @('--no-pager', 'switch', 'never use a pager'),
        @('-d', 'switch', 'show tracebacks'),
        @('--debug', 'switch', 'show tracebacks'),
        @('-h', 'switch', 'this help / the version'),
        @('--help', 'switch', 'this help / the version'),
        @('-V', 'switch', 'this help / the version'),
        @('--version', 'switch', 'this help / the version'),
        @('--no-color', 'switch', 'no colour')
    )
    $everyAction = @('access.grant', 'access.hand-over', 'access.list', 'access.production', 'access.request', 'access.revoke', 'access.show', 'account.disable', 'account.enable', 'mail.send', 'password.change', 'password.reset', 'password.status', 'password.unlock', 'people.alias', 'people.archive', 'people.create', 'people.find', 'people.manager', 'people.move', 'people.offboard', 'people.onboard', 'people.restore', 'people.unalias', 'people.update', 'people.whoami', 'policy.index', 'policy.search', 'policy.show', 'ticket.close', 'ticket.comment', 'ticket.open', 'ticket.reopen', 'ticket.status')

    function ListOf($folder, $name, $days) {
        if ($name -match '[\\/]') { return $null }
        $file = [IO.Path]::Combine($folder, $name)
        if (-not [IO.File]::Exists($file)) { return $null }
        $lines = [IO.File]::ReadAllLines($file)
        if ($lines.Length -eq 0 -or $lines[0] -notmatch '^# [0-9]{1,12}$') { return $null }
        $written = [DateTimeOffset]::FromUnixTimeSeconds([long]$lines[0].Substring(2))
        if ($days -gt 0 -and ([DateTimeOffset]::UtcNow - $written).TotalDays -ge $days) { return $null }
        return @($lines | Select-Object -Skip 1)
    }

    function PlaceOf($folder, $key) {
        if ($places.ContainsKey($key)) { return $places[$key] }
        $place = @{ f = @(); v = @(); c = @() }
        foreach ($line in @(ListOf $folder ('flags.' + $key.Split(' ')[-1]) 0)) {
            if (-not $line) { continue }
            $parts = $line.Split(' ', 2)
            if ($parts[0] -eq '.') { $place.v += $parts[1] } else { $place.f += , @($parts[0], $parts[1], '') }
        }
        return $place
    }

    function KindOf($place, $flag) {
        foreach ($one in @($place.f) + $everywhere) { if ($one[0] -ceq $flag) { return $one[1] } }
        return ''
    }

    function WordsOf($folder, $kind) {
        switch -Regex ($kind) {
            '^(people|groups|cases)' { return ListOf $folder $kind.TrimEnd([char]0x2026) 30 }
            '^actions' { $known = ListOf $folder 'actions' 0; if ($known) { return $known }; return $everyAction }
            '^choice:' { return $kind.Substring(7).Split('|') }
        }
        return $null
    }

    $typed = @($commandAst.CommandElements | Select-Object -Skip 1 |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition -or ($wordToComplete -eq '' -and $_.Extent.EndOffset -le $cursorPosition) } |
        ForEach-Object { if ($_.Value) { [string]$_.Value } else { $_.Extent.Text } })
    $profileName = ''
    for ($i = 0; $i -lt $typed.Count; $i++) {
        if ($typed[$i] -eq '--profile' -and $i + 1 -lt $typed.Count) { $profileName = $typed[$i + 1] }
        elseif ($typed[$i] -like '--profile=*') { $profileName = $typed[$i].Substring(10) }
    }
    if ($profileName -notmatch '^[A-Za-z0-9_-]+$') { $profileName = '' }
    $below = 'words'
    if ($env:LOCALAPPDATA) { $base = $env:LOCALAPPDATA; $below = 'cache/words' }
    elseif ($env:XDG_CACHE_HOME -like '/*') { $base = $env:XDG_CACHE_HOME }
    elseif ($IsMacOS) { $base = "$HOME/Library/Caches" }
    else { $base = "$HOME/.cache" }
    $folder = "$base/helpdesk"
    if ($profileName) { $folder = "$folder/profiles/$profileName" }
    $folder = "$folder/$below"

    $key = ''; $flag = ''; $kind = ''; $ended = $false; $helping = $false; $n = 0
    $here = PlaceOf $folder ''
    foreach ($word in $typed) {
        if ($flag) { $flag = '' }
        elseif (-not $ended -and $word -eq '--') { $ended = $true }
        elseif (-not $ended -and $word -match '^-.') {
            $kind = KindOf $here $word
            if ($kind -and $kind -ne 'switch') { $flag = $word }
        }
        elseif (-not $key -and $word -eq 'help') { $helping = $true }
        elseif ($here.c.Count -gt 0) { $key = "$key $word".Trim(); $n = 0; $here = PlaceOf $folder $key }
        elseif ($n -lt $here.v.Count -and $here.v[$n] -like 'actions*') {
            $key = "do $word"; $n = 0; $here = PlaceOf $folder $key
        }
        else { $n++ }
    }

    $offer = @(); $head = ''; $part = $wordToComplete
    if ($flag) { $offer = @(WordsOf $folder $kind | ForEach-Object { , @($_, '') }) }
    elseif (-not $ended -and $wordToComplete -match '^(--[^=]+=)(.*)$') {
        $head = $Matches[1]; $part = $Matches[2]
        $offer = @(WordsOf $folder (KindOf $here $head.TrimEnd('=')) | ForEach-Object { , @($_, '') })
    }
    elseif (-not $ended -and $wordToComplete -like '-*') {
        $offer = @(@($here.f) + $everywhere | ForEach-Object { , @($_[0], $_[2]) })
    }
    elseif ($here.c.Count -gt 0) {
        $offer = @($here.c)
        $known = $null
        if ($key -eq 'do') { $known = ListOf $folder 'actions' 0 }
        if ($known) { $offer = @($known | ForEach-Object { , @($_, '') }) }
    }
    elseif (-not $helping -and $here.v.Count -gt 0) {
        if ($n -ge $here.v.Count -and $here.v[-1].EndsWith([string][char]0x2026)) { $n = $here.v.Count - 1 }
        if ($n -lt $here.v.Count) { $offer = @(WordsOf $folder $here.v[$n] | ForEach-Object { , @($_, '') }) }
    }

    foreach ($one in $offer) {
        $word = $one[0]
        if (-not $word -or -not $word.StartsWith($part, [StringComparison]::Ordinal)) { continue }
        $text = $head + $word
        if ($text -notmatch '^[A-Za-z0-9._=/\\-]+$') { $text = "'" + $text.Replace("'", "''") + "'" }
        $help = $one[1]; if (-not $help) { $help = $word }
        [System.Management.Automation.CompletionResult]::new($text, $word, 'ParameterValue', $help)
    }
}
