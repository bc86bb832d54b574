/** Where the list stands, for those who would rather choose there. */
export const listId = 'seat-list';
