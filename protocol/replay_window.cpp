#include "protocol/replay_window.hpp"

namespace penstock::protocol {

template class BasicReplayWindow<replay_window_size>;

}  // namespace penstock::protocol
