#include "protocol/thread_state.hpp"

namespace penstock::protocol {

ThreadState& thread_state() {
  thread_local ThreadState state;
  return state;
}

}  // namespace penstock::protocol
