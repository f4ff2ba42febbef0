import { createAccount } from '@parley/client';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App';
import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/layout.css';
import './styles/messages.css';
import './styles/composer.css';
import { ErrorBoundary } from './ui/ErrorBoundary';
import { Notices } from './ui/Notices';
import { showTheme } from './ui/theme';

showTheme();

const account = createAccount({ url: '' });
const queries = new QueryClient({ defaultOptions: { queries: { retry: 1, refetchOnWindowFocus: false, gcTime: 60_000 } } });
const root = document.getElementById('root');

if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <ErrorBoundary>
          <Notices>
            <App account={account} />
          </Notices>
        </ErrorBoundary>
      </QueryClientProvider>
    </StrictMode>,
  );
}
