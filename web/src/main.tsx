import '@fontsource-variable/hanken-grotesk/wght.css';
import './tokens.css';
import './styles/base.css';
import './styles/parts.css';
import './styles/browse.css';
import './styles/buy.css';
import './styles/line.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
