/** What people are to a row: such a column points at whoever the application's people are. */
export const personRoles: ReadonlySet<string> = new Set([
  ...[
    'author',
    'owner',
    'creator',
    'editor',
    'assignee',
    'assigned',
    'reviewer',
    'approver',
    'manager',
    'supervisor',
    'boss',
    'member',
  ],
  ...[
    'sender',
    'recipient',
    'receiver',
    'reporter',
    'seller',
    'buyer',
    'rep',
    'agent',
    'head',
    'leader',
    'lead',
    'mentor',
    'moderator',
  ],
  ...[
    'createdby',
    'updatedby',
    'modifiedby',
    'deletedby',
    'approvedby',
    'assignedto',
    'ownedby',
    'uploadedby',
    'reportedby',
    'salesrep',
    'supportrep',
  ],
  ...['poster', 'uploader', 'submitter', 'requester', 'requestor', 'actor', 'writer', 'voter'],
  ...['follower', 'followed', 'followee', 'inviter', 'invitee', 'salesperson', 'responsible', 'by', 'chair'],
])

/** Tables of people, the likeliest first. */
export const people: readonly string[] = [
  ...[
    'user',
    'account',
    'employee',
    'staff',
    'person',
    'people',
    'member',
    'profile',
    'contact',
    'customer',
    'authuser',
    'appuser',
    'doctor',
    'teacher',
    'student',
    'player',
  ],
]

/** What tables of people end in: `group_users`, `company_staff`. */
export const staff: ReadonlySet<string> = new Set(['user', 'employee', 'person', 'staff'])

/** Whether a role is one of a person, whatever stands before it: `default_assigned_to`, `last_editor`. */
export function isPersonRole(words: readonly string[]): boolean {
  return words.some((_, at) => personRoles.has(words.slice(at).join('')))
}

/** Whether a name is a role, of a person or in a tree: `created_by`, `parent`. */
export function isRole(words: readonly string[]): boolean {
  return isPersonRole(words) || selfRoles.has(words.join(''))
}

/** `reblog_of`, `inherited_from`: a row that another one of its table was made of, or stands for. */
export const derivation =
  /^\w{3,}of$|^(copied|cloned|forked|inherited|derived|moved|split|renamed|merged|converted|duplicated|promoted)(from|to|into)$/

/** Words of a column that points into its own table. */
export const selfRoles: ReadonlySet<string> = new Set([
  ...[
    'parent',
    'root',
    'ancestor',
    'predecessor',
    'successor',
    'previous',
    'prev',
    'next',
    'original',
    'replyto',
    'reply',
    'reportsto',
    'inreplyto',
  ],
  ...[
    'duplicateof',
    'mergedinto',
    'replacedby',
    'supersededby',
    'copiedfrom',
    'clonedfrom',
    'basedon',
    'forkedfrom',
    'child',
    'parentof',
    'quoted',
  ],
])
