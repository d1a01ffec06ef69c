describe('the tree', () => {
  it('is placed under test', () => {});
});
