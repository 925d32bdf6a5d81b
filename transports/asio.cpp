// Boost.Asio, compiled once: transports/ is the lowest layer that needs it.
#include <boost/asio/impl/src.hpp>
