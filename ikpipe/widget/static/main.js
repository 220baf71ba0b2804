export default {
  initialize() {},
  render({ el }) {
    el.textContent = "ikpipe";
  },
};
