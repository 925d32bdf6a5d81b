#include <unistd.h>

#include "tool/this_user.hpp"

namespace penstock::tool {

user_id this_user() {
  return ::geteuid();
}

}  // namespace penstock::tool
